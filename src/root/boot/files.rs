//! What shells, ssh and Nix read in a machine that boots.

use std::fmt::Write as _;

use crate::config::{Argument, Machine, Part, Unit};
use crate::image::ImagePath;
use crate::image::tree::{Metadata, Node, Tree};
use crate::nix::StorePath;

use super::super::files::accounts::Accounts;
use super::USER_PROFILES;

/// What a login shell does beside `/etc/profile`: the user's own profile and variables, and what the machine has to say. It needs
/// no program.
const LOGIN: &str = r#"# The user's own part of a session, and what the machine has to say.
case "${USER-}:${HOME-}" in
  :/home/*/*) ;;
  # Who comes in by `docker exec --user` has no name yet.
  :/home/?*) export USER="${HOME#/home/}" ;;
esac
if [ -n "${USER-}" ] && [ -d "/etc/profiles/per-user/$USER/bin" ]; then
  PATH="/etc/profiles/per-user/$USER/bin:$PATH"
fi
if [ -r "$HOME/.local/state/dumbc/generation/session-variables.sh" ]; then
  . "$HOME/.local/state/dumbc/generation/session-variables.sh"
fi
export PATH
# A home that is a link is told by its own name.
if [ "$PWD" != "$HOME" ] && [ "$PWD" -ef "$HOME" ]; then cd "$HOME"; fi
case $- in
*i*)
  # A login shell of bash reads no other file of the machine's, and would say `-bash-5.2$`.
  if [ -n "${BASH_VERSION-}" ] && [ -r /etc/bash.bashrc ]; then
    . /etc/bash.bashrc
  elif [ -n "${BASH_VERSION-}" ] && [ "${PS1-}" = '\s-\v\$ ' ]; then
    PS1='\u@\h:\w\$ '
  fi
  for banner in /run/dumbc/banner "/run/dumbc/banners/${USER-}"; do
    if [ -f "$banner" ] && [ -r "$banner" ]; then
      while IFS= read -r line; do printf '%s\n' "$line"; done <"$banner"
    fi
  done
  unset banner line
  ;;
esac
"#;

/// The same for what `nix profile` installs, of older and newer releases.
const NIX_LOGIN: &str = r#"for folder in "$HOME/.local/state/nix/profile/bin" "$HOME/.nix-profile/bin"; do
  if [ -n "${HOME-}" ] && [ -d "$folder" ]; then
    PATH="$folder:$PATH"
  fi
done
unset folder
"#;

/// zsh reads a file of its own.
const ZPROFILE: &str = "emulate sh -c '. /etc/profile'\n";

/// Where keys stand that users.toml names.
const AUTHORIZED_KEYS: &str = "etc/ssh/authorized_keys.d";

/// Where sshd looks for keys.
const KEYS_LINE: &str = "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/authorized_keys.d/%u\n";

/// The files of a machine that boots.
pub struct BootFiles<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// Everybody in it.
    pub accounts: &'a Accounts,
    /// The store path that holds `bin/dumbc`.
    pub runtime: &'a StorePath,
    /// Whether something stands at a path of the image already: a package's file, or one of the user's.
    pub exists: &'a dyn Fn(&str) -> bool,
}

/// The files, from the image's root. What stands in the image already is left out.
#[must_use]
pub fn boot_files(files: &BootFiles<'_>) -> Tree {
    let mut tree = Tree::new();
    let mut put = |path: &str, mode: u32, node: Node| {
        if let (false, Ok(path)) = ((files.exists)(path), ImagePath::new(path.as_bytes())) {
            for parent in std::iter::successors(path.parent(), ImagePath::parent).filter(|parent| !parent.is_root()) {
                tree.entry(parent).or_insert((Metadata::root(0o755), Node::Directory));
            }
            tree.insert(path, (Metadata::root(mode), node));
        }
    };
    let mut link = |path: &str, target: String| put(path, 0o777, Node::Symlink(target.into_bytes()));
    for name in ["dumbc", "rebuild"] {
        link(&format!("usr/bin/{name}"), format!("{}/bin/{name}", files.runtime));
    }
    for (name, account) in files.users() {
        let target = format!("{account}/.local/state/dumbc/generation/path");
        link(&format!("{}/{name}", USER_PROFILES.trim_start_matches('/')), target);
    }
    let mut file = |path: &str, text: String| put(path, 0o644, Node::File(text.into_bytes()));
    file("etc/profile.d/dumbc.sh", files.login());
    file("etc/zprofile", ZPROFILE.to_owned());
    for (name, user) in files.machine.users.iter().filter(|(_, user)| !user.authorized_keys.is_empty()) {
        file(&format!("{AUTHORIZED_KEYS}/{name}"), user.authorized_keys.join("\n") + "\n");
    }
    let sessions = sshd_sessions(files.machine);
    file("etc/ssh/sshd_config.d/10-dumbc.conf", format!("{KEYS_LINE}{sessions}"));
    if runs_sshd(files.machine) {
        file("etc/ssh/sshd_config", sshd_config() + &sessions);
    }
    if files.machine.nix.as_ref().is_some_and(|nix| nix.daemon) {
        file("etc/nix/nix.conf", nix_conf(files.machine));
    }
    tree
}

impl BootFiles<'_> {
    /// Declared users with their homes.
    fn users(&self) -> impl Iterator<Item = (&str, &str)> {
        let home = |name: &str| self.accounts.by_name(name).map(|account| account.home.as_str());
        self.machine.users.keys().filter_map(move |name| Some((name.as_str(), home(name)?)))
    }

    fn login(&self) -> String {
        let mut text = String::from("case \"${USER-}\" in\n");
        for (name, user) in &self.machine.users {
            // Writing into a string can't fail.
            let _ = writeln!(text, "{name}) export XDG_RUNTIME_DIR=/run/user/{} ;;", user.uid);
        }
        let has_nix = self.machine.nix.as_ref().is_some_and(|nix| nix.daemon);
        text + "esac\n" + if has_nix { NIX_LOGIN } else { "" } + LOGIN
    }
}

/// Whether a daemon is OpenSSH's: it needs an account, and a configuration where no package brings one.
pub(in super::super) fn runs_sshd(machine: &Machine) -> bool {
    let is_sshd = |unit: &Unit| match unit.command.first() {
        Some(Argument::Text(template)) => match template.parts.last() {
            Some(Part::Text(text)) => text.rsplit('/').next() == Some("sshd"),
            _ => false,
        },
        _ => false,
    };
    machine.entrypoint.iter().chain(machine.daemons.values()).any(is_sshd)
}

fn sshd_config() -> String {
    format!(
        "HostKey /etc/ssh/ssh_host_ed25519_key\n{KEYS_LINE}PasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         Subsystem sftp internal-sftp\n"
    )
}

/// Where commands are found that are run without a login (`ssh machine git …`): sshd has a PATH of its own, and no profile is read.
/// Of several lines that match, sshd takes the first.
fn sshd_sessions(machine: &Machine) -> String {
    let path = machine.path.join(":");
    let mut text = String::new();
    for (name, user) in &machine.users {
        // Writing into a string can't fail.
        let _ = writeln!(text, "Match User {name}");
        let _ = writeln!(
            text,
            "  SetEnv \"PATH={USER_PROFILES}/{name}/bin:{path}\" XDG_RUNTIME_DIR=/run/user/{}",
            user.uid
        );
    }
    let _ = writeln!(text, "Match all\n  SetEnv \"PATH={path}\"");
    text
}

/// Nix without a sandbox: a container has no right to make one. Caches and keys are those of the channels.
fn nix_conf(machine: &Machine) -> String {
    let of_channels = |words: fn(&crate::config::Channel) -> &Vec<String>| {
        let mut all = machine.channels.values().flat_map(words).cloned().collect::<Vec<_>>();
        all.retain(|word| word.contains(':') || word.starts_with('/'));
        all.sort();
        all.dedup();
        // To Nix a bare path is a store, and not a cache.
        let word = |word: String| if word.starts_with('/') { format!("file://{word}") } else { word };
        all.into_iter().map(word).collect::<Vec<_>>().join(" ")
    };
    let (caches, keys) = (of_channels(|channel| &channel.caches), of_channels(|channel| &channel.keys));
    format!(
        "build-users-group = nixbld\nsandbox = false\nexperimental-features = nix-command flakes\ntrusted-users = root\n\
         substituters = {caches}\ntrusted-public-keys = {keys}\n"
    )
}
