//! Texts of `/etc`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::config::Machine;

use super::super::debian::base::{DebianBase, Origin};
use super::super::supplies::{SYSTEM_PROFILE, Supplies};
use super::accounts::Accounts;

/// Without it glibc asks the network before it reads `/etc/hosts`.
pub(super) const NSSWITCH: &str = "\
passwd: files
group: files
shadow: files
hosts: files dns
networks: files
ethers: files
services: files
protocols: files
rpc: files
";

/// What stands there until a container runtime puts its own in place.
pub(super) const HOSTS: &str = "\
127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
";

/// The time zone UTC in the format of `zic`, version 2: one type, no transitions, twice as the format wants it.
pub(super) fn utc() -> Vec<u8> {
    let mut block = b"TZif2".to_vec();
    block.extend([0; 15]);
    // Counts: UT indicators, standard indicators, leap seconds, transitions, types, characters.
    for count in [0u32, 0, 0, 0, 1, 4] {
        block.extend(count.to_be_bytes());
    }
    // The type: no offset, no daylight saving time, its name at 0.
    block.extend([0; 6]);
    block.extend(b"UTC\0");
    [&block[..], &block, b"\nUTC0\n"].concat()
}

/// `/etc/os-release`; who makes the Debian packages stands there, as scanners look for it.
pub(super) fn os_release(machine: &Machine, debian: Option<&DebianBase>) -> String {
    let image = &machine.image.name;
    let pretty = quoted(&format!("{image} (dumbc)"));
    let (variant, id) = (quoted(image), identifier(image));
    let system = debian.map_or_else(|| "NAME=dumbc\nID=dumbc\n".to_owned(), |base| origin(&base.origin));
    format!("{system}PRETTY_NAME={pretty}\nVARIANT={variant}\nVARIANT_ID={id}\nANSI_COLOR=\"1;34\"\n")
}

/// The lines that tell one release from another. Debian's name for a release is without the point release.
fn origin(Origin { origin, codename, version }: &Origin) -> String {
    let is_debian = origin.eq_ignore_ascii_case("debian");
    let name = if is_debian { quoted("Debian GNU/Linux") } else { quoted(origin) };
    let mut text = format!("NAME={name}\nID={}\n", identifier(origin));
    if let Some(version) = version {
        let version = if is_debian { version.split('.').next().unwrap_or_default() } else { version };
        // Writing into a string can't fail.
        let _ = writeln!(text, "VERSION_ID={}", quoted(version));
    }
    let _ = writeln!(text, "VERSION_CODENAME={}", identifier(codename));
    text
}

/// The file by which scanners tell Debian's and Ubuntu's releases, as they don't read os-release for it. base-files has its own.
pub(super) fn release(Origin { origin, codename, version }: &Origin) -> Option<(&'static str, String)> {
    let codename = identifier(codename);
    match (origin.as_str(), version) {
        ("Debian", Some(version)) => Some(("etc/debian_version", format!("{}\n", identifier(version)))),
        ("Debian", None) => Some(("etc/debian_version", format!("{codename}/sid\n"))),
        ("Ubuntu", Some(version)) => {
            let release = format!("DISTRIB_RELEASE={}\nDISTRIB_CODENAME={codename}\n", identifier(version));
            Some(("etc/lsb-release", format!("DISTRIB_ID=Ubuntu\n{release}")))
        }
        _ => None,
    }
}

fn identifier(text: &str) -> String {
    text.to_lowercase().chars().map(|character| if is_id(character) { character } else { '-' }).collect()
}

fn quoted(text: &str) -> String {
    let escape = |character| if "\"\\$`".contains(character) { vec!['\\', character] } else { vec![character] };
    format!("\"{}\"", text.chars().filter(|character| !character.is_control()).flat_map(escape).collect::<String>())
}

fn is_id(character: char) -> bool {
    character.is_ascii_lowercase() || character.is_ascii_digit() || "._-".contains(character)
}

/// `/etc/shells`: the shells there are, and those that accounts have. Debian's come first, as it writes them.
pub(super) fn shells(accounts: &Accounts, supplies: &Supplies) -> String {
    let no_shells: &[&str] = if supplies.debian.is_some() { &["/nologin", "/false", "/sync"] } else { &["/nologin"] };
    let profile = supplies.login_shells.iter().map(|name| format!("{SYSTEM_PROFILE}/bin/{name}"));
    let own = accounts.users.iter().map(|account| account.shell.clone());
    let own = own.filter(|shell| !no_shells.iter().any(|none| shell.ends_with(none)));
    let sh = supplies.sh.iter().map(|_| "/bin/sh".to_owned());
    let all: BTreeSet<String> = profile.chain(own).chain(sh).collect();
    let of_base = supplies.base.iter().flat_map(|base| &base.shells);
    let debian = supplies.debian.iter().flat_map(|base| &base.shells).chain(of_base);
    let others = all.iter().filter(|shell| debian.clone().all(|line| line != *shell));
    debian.clone().chain(others).fold(String::new(), |text, shell| text + shell + "\n")
}

/// `/etc/profile`: what login shells read, so that an ssh session sees what the container's command sees.
///
/// `PATH` is set, as whoever logs one in has put a path of their own there; everything else only where it is missing.
pub(super) fn profile(variables: &BTreeMap<String, String>) -> String {
    let mut text = String::from("# Read by login shells.\n");
    for (name, value) in variables.iter().filter(|(name, _)| is_variable(name)) {
        let value = format!("'{}'", value.replace('\'', r"'\''"));
        let line = match name.as_str() {
            "HOME" | "USER" => continue,
            "PATH" => format!("PATH={value}"),
            _ => format!(r#"[ -n "${{{name}+set}}" ] || {name}={value}"#),
        };
        writeln!(text, "{line}\nexport {name}").expect("a String takes everything");
    }
    text + r#"for script in /etc/profile.d/*.sh; do
  if [ -r "$script" ]; then . "$script"; fi
done
unset script
"#
}

fn is_variable(name: &str) -> bool {
    let letter = |character: char| character.is_ascii_alphabetic() || character == '_';
    name.starts_with(letter) && name.chars().all(|character| letter(character) || character.is_ascii_digit())
}
