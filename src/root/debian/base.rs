//! What root files lean on in a machine with Debian packages: accounts, shells, who the system says it is.

use std::collections::BTreeMap;
use std::io;

use crate::config::Machine;
use crate::image::ImagePath;
use crate::root::supplies::LOGIN_SHELLS;
use crate::root::view::{Kind, ReadContent, View};

use super::users::PackageAccounts;
use super::{Package, shells};

/// Shells whose path is the old one by custom, in scripts and in people's configuration.
const IN_BIN: [&str; 4] = ["bash", "dash", "rbash", "sh"];

/// Who makes the packages; where base-files is in the image, it says so itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// `Debian`
    pub origin: String,
    /// `bookworm`
    pub codename: String,
    /// `12.12`; absent for testing and unstable.
    pub version: Option<String>,
}

/// What Debian packages give to the root files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DebianBase {
    /// Users and groups that packages create.
    pub accounts: PackageAccounts,
    /// Absolute paths of login shells, by their names: `bash` at `/bin/bash`. Those that users name, too.
    pub login_shells: BTreeMap<String, String>,
    /// Lines of `/etc/shells`.
    pub shells: Vec<String>,
    /// Who makes the packages.
    pub origin: Origin,
    /// Whether the machine's locale is there as a folder of its own.
    pub has_locale: bool,
}

impl DebianBase {
    /// Looks in `view`, whose Debian packages are `packages`.
    pub fn find(
        machine: &Machine,
        view: View<'_>,
        packages: &[Package<'_>],
        read: &ReadContent<'_>,
        accounts: PackageAccounts,
        origin: Origin,
    ) -> io::Result<Self> {
        let shells = if view.merged.is_empty() { Vec::new() } else { shells::shells(packages, view.merged, read)? };
        let named =
            machine.users.values().filter_map(|user| user.shell.as_deref()).filter(|shell| !shell.contains('/'));
        let found =
            LOGIN_SHELLS.into_iter().chain(named).filter_map(|name| Some((name.to_owned(), shell(view, name)?)));
        let has_locale =
            locale_folders(&machine.locale).any(|folder| is(view, &folder, |kind| *kind == Kind::Directory));
        Ok(Self { accounts, login_shells: found.collect(), shells, origin, has_locale })
    }
}

fn shell(view: View<'_>, name: &str) -> Option<String> {
    let executable = |kind: &Kind<'_>| matches!(kind, Kind::File { executable: true, .. });
    let folder = if IN_BIN.contains(&name) { "bin" } else { "usr/bin" };
    is(view, &format!("usr/bin/{name}"), executable).then(|| format!("/{folder}/{name}"))
}

fn is(view: View<'_>, path: &str, fits: impl Fn(&Kind<'_>) -> bool) -> bool {
    let path = ImagePath::new(path.as_bytes()).ok();
    path.and_then(|path| view.resolve(&path)).is_some_and(|(_, kind)| fits(&kind))
}

/// Where glibc looks for `de_DE.UTF-8` beside its archive: as written, and with the codeset in small letters and digits.
fn locale_folders(locale: &str) -> impl Iterator<Item = String> {
    let normal = locale.split_once('.').map(|(language, rest)| {
        let (codeset, modifier) =
            rest.split_once('@').map_or((rest, None), |(codeset, modifier)| (codeset, Some(modifier)));
        let codeset = codeset.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let modifier = modifier.map(|modifier| format!("@{modifier}")).unwrap_or_default();
        format!("{language}.{codeset}{modifier}")
    });
    [Some(locale.to_owned()), normal].into_iter().flatten().map(|name| format!("usr/lib/locale/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::sample;
    use crate::root::view::NO_PACKAGES;

    #[test]
    fn shells_that_users_name_are_found_where_they_are() {
        let mut machine = sample::machine();
        machine.users.get_mut("alice").unwrap().shell = Some("tmux".to_owned());
        machine.locale = "de_DE.UTF-8@euro".to_owned();
        let merged = sample::merged(&[
            ("usr/bin/bash", "x"),
            ("usr/bin/tmux", "x"),
            ("usr/bin/zsh", "-> /bin/bash"),
            ("usr/bin/fish", "no program"),
            ("usr/lib/locale/de_DE.utf8@euro/LC_TIME", "days"),
        ]);
        let packages = BTreeMap::new();
        let view = View { trees: &[], packages: &packages, merged: &merged };
        let read = |_: &ImagePath, _: u64, _: usize| Ok(None);
        let find = |machine: &Machine, view| {
            DebianBase::find(machine, view, &[], &read, PackageAccounts::default(), Origin::default()).unwrap()
        };
        let found = find(&machine, view);
        let expected = [("bash", "/bin/bash"), ("tmux", "/usr/bin/tmux"), ("zsh", "/usr/bin/zsh")];
        assert_eq!(found.login_shells, expected.map(|(name, path)| (name.to_owned(), path.to_owned())).into());
        assert!(found.has_locale);
        machine.locale = "fr_FR.UTF-8".to_owned();
        assert!(!find(&machine, view).has_locale);
        let nothing = find(&machine, View { merged: &NO_PACKAGES, ..view });
        assert_eq!(nothing, DebianBase::default());
    }
}
