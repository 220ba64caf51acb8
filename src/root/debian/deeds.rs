//! Folders, links and files that maintainer scripts would have made, as a tree of their own.
//!
//! Nothing is made where something stands: in a package, among the root files, or by a package earlier in the alphabet.

use std::collections::BTreeMap;
use std::io;

use crate::config::Diagnostic;
use crate::deb::PackageName;
use crate::image::ImagePath;
use crate::image::tree::{Metadata, Node, Tree};
use crate::root::files::accounts::Accounts;
use crate::root::view::{Kind, ReadContent, View};

use super::Action;
use super::aliases::canonical_text;

/// A larger file is not copied.
const LARGEST: u64 = 16 << 20;

/// Folders that belong to the kernel while the machine runs.
const KERNELS: [&[u8]; 3] = [b"dev", b"proc", b"sys"];

/// What [`deeds`] yields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deeds {
    /// What is made, without the folders that stand already.
    pub tree: Tree,
    /// What can't be.
    pub findings: Vec<Diagnostic>,
}

/// What the packages' `actions` make, over all that `view` has: the packages' files and the root files.
///
/// Owners are looked up in `accounts`; an unknown one is root, and told.
pub fn deeds(
    actions: &BTreeMap<PackageName, Vec<Action>>,
    view: View<'_>,
    accounts: &Accounts,
    read: &ReadContent<'_>,
) -> io::Result<Deeds> {
    let mut doer = Doer { view, accounts, read, deeds: Deeds::default() };
    for (package, actions) in actions {
        for action in actions {
            doer.act(package, action)?;
        }
    }
    Ok(doer.deeds)
}

struct Doer<'a> {
    view: View<'a>,
    accounts: &'a Accounts,
    read: &'a ReadContent<'a>,
    deeds: Deeds,
}

impl Doer<'_> {
    fn act(&mut self, package: &PackageName, action: &Action) -> io::Result<()> {
        match action {
            Action::Directory { path, user, group, mode } => {
                let owner = self.owner(package, user.as_deref(), group.as_deref());
                self.make(package, path, Metadata { mode: mode.unwrap_or(0o755) & 0o7777, ..owner }, Node::Directory);
            }
            Action::File { path, content, user, group, mode } => {
                let owner = self.owner(package, user.as_deref(), group.as_deref());
                let metadata = Metadata { mode: mode.unwrap_or(0o644) & 0o7777, ..owner };
                self.make(package, path, metadata, Node::File(content.clone().into_bytes()));
            }
            Action::Symlink { path, target } if !target.is_empty() && !target.contains('\0') => {
                self.make(package, path, Metadata::root(0o777), Node::Symlink(target.clone().into_bytes()));
            }
            Action::Copy { from, to } => self.copy(package, from, to)?,
            Action::Metadata { path, user, group, mode } => {
                self.change(package, path, user.as_deref(), group.as_deref(), *mode);
            }
            _ => {}
        }
        Ok(())
    }

    fn copy(&mut self, package: &PackageName, from: &str, to: &str) -> io::Result<()> {
        let found = canonical_text(from).and_then(|path| self.view.resolve(&path));
        let Some((path, Kind::File { executable, size })) = found.filter(|(_, kind)| fits(kind)) else {
            self.find(package, &format!("{from} is no file that could become {to}"));
            return Ok(());
        };
        let length = usize::try_from(size).unwrap_or_default();
        if let Some(content) = self.view.read(&path, 0, length, self.read)? {
            let metadata = Metadata::root(if executable { 0o755 } else { 0o644 });
            self.make(package, to, metadata, Node::File(content));
        }
        Ok(())
    }

    /// Gives what was made another owner or mode; what packages brought is changed elsewhere.
    fn change(
        &mut self,
        package: &PackageName,
        written: &str,
        user: Option<&str>,
        group: Option<&str>,
        mode: Option<u32>,
    ) {
        let place = canonical_text(written).and_then(|path| self.place(&path));
        if !place.as_ref().is_some_and(|place| self.deeds.tree.contains_key(place)) {
            return;
        }
        let owner = self.owner(package, user, group);
        let entry = place.and_then(|place| self.deeds.tree.get_mut(&place));
        if let Some((metadata, Node::Directory | Node::File(_))) = entry {
            *metadata = Metadata {
                mode: mode.map_or(metadata.mode, |mode| mode & 0o7777),
                uid: user.map_or(metadata.uid, |_| owner.uid),
                gid: group.map_or(metadata.gid, |_| owner.gid),
            };
        }
    }

    fn make(&mut self, package: &PackageName, written: &str, metadata: Metadata, node: Node) {
        let Some(path) = canonical_text(written).filter(|path| !path.is_root()) else {
            return self.find(package, &format!("`{}` is no path of an image", written.escape_debug()));
        };
        let first = path.as_bytes().split(|&byte| byte == b'/').next().unwrap_or_default();
        if KERNELS.contains(&first) || self.view.get(&path).is_some() {
            return;
        }
        match self.place(&path) {
            Some(place) if self.view.get(&place).is_some() || self.deeds.tree.contains_key(&place) => {}
            Some(place) => _ = self.deeds.tree.insert(place, (metadata, node)),
            None => self.find(package, &format!("{written} can't be made: there is no folder to make it in")),
        }
    }

    /// Where `path` really stands: links that lead to its folder are followed. `None` where that is no folder, or
    /// something was made below `path` already.
    fn place(&self, path: &ImagePath) -> Option<ImagePath> {
        let standing =
            std::iter::successors(path.parent(), ImagePath::parent).find(|parent| self.view.get(parent).is_some());
        let place = match standing {
            None => path.clone(),
            Some(parent) => {
                let (folder, _) = self.view.resolve(&parent).filter(|(_, kind)| *kind == Kind::Directory)?;
                folder.append(&path.strip_prefix(&parent)?)
            }
        };
        let made = |path: &ImagePath| self.deeds.tree.get(path).map(|(_, node)| node);
        let mut above = std::iter::successors(place.parent(), ImagePath::parent);
        let in_the_way = above.any(|parent| made(&parent).is_some_and(|node| *node != Node::Directory));
        let below = self.deeds.tree.range(place.clone()..).find(|(path, _)| **path != place);
        let holds = made(&place).is_none() && below.is_some_and(|(path, _)| path.starts_with(&place));
        (!in_the_way && !holds).then_some(place)
    }

    /// Mode 0 with the owners that are named: by name, or `#` and a number.
    fn owner(&mut self, package: &PackageName, user: Option<&str>, group: Option<&str>) -> Metadata {
        let number = |name: &str| name.strip_prefix('#').and_then(|number| number.parse().ok());
        let uid = user.map(|name| (name, number(name).or_else(|| self.accounts.uid_of(name))));
        let gid = group.map(|name| (name, number(name).or_else(|| self.accounts.gid_of(name))));
        for (name, id) in [uid, gid].into_iter().flatten() {
            if id.is_none() {
                self.find(package, &format!("nobody is called `{}`, to whom a file is given", name.escape_debug()));
            }
        }
        let id = |found: Option<(&str, Option<u32>)>| found.and_then(|(_, id)| id).unwrap_or_default();
        Metadata { mode: 0, uid: id(uid), gid: id(gid) }
    }

    fn find(&mut self, package: &PackageName, message: &str) {
        self.deeds.findings.push(Diagnostic::warning(format!("{package}: {message}"), None));
    }
}

fn fits(kind: &Kind<'_>) -> bool {
    matches!(kind, Kind::File { size, .. } if *size <= LARGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::files::accounts::{Account, Group};
    use crate::root::sample;

    fn done(entries: &[(&str, &str)], root: &[(&str, &str)], actions: Vec<Action>) -> (String, Vec<String>) {
        let (merged, tree, packages) = (sample::merged(entries), sample::tree(root), BTreeMap::new());
        let trees = [&tree];
        let text = ToOwned::to_owned;
        let user = Account {
            name: text("sshd"),
            uid: 100,
            gid: 65534,
            description: text(""),
            home: text("/"),
            shell: text("/"),
        };
        let group = Group { name: text("adm"), gid: 4, members: Vec::new() };
        let accounts = Accounts { users: vec![user], groups: vec![group], ..Accounts::default() };
        let read = |path: &ImagePath, _: u64, length: usize| {
            assert_eq!(length, 4);
            Ok((path.to_string() == "/usr/share/base-files/motd").then(|| b"motd".to_vec()))
        };
        let view = View { trees: &trees, packages: &packages, merged: &merged };
        let actions = BTreeMap::from([("any".parse().unwrap(), actions)]);
        let deeds = deeds(&actions, view, &accounts, &read).unwrap();
        (sample::lines(&deeds.tree), deeds.findings.into_iter().map(|finding| finding.message).collect())
    }

    fn folder(path: &str, user: Option<&str>, group: Option<&str>, mode: Option<u32>) -> Action {
        let (user, group) = (user.map(ToOwned::to_owned), group.map(ToOwned::to_owned));
        Action::Directory { path: path.to_owned(), user, group, mode }
    }

    fn link(path: &str, target: &str) -> Action {
        Action::Symlink { path: path.to_owned(), target: target.to_owned() }
    }

    fn copy(from: &str, to: &str) -> Action {
        Action::Copy { from: from.to_owned(), to: to.to_owned() }
    }

    #[test]
    fn what_scripts_make() {
        let entries =
            [("usr/share/base-files/motd", "motd"), ("var/run", "-> /run"), ("run", "dir"), ("var/log/apt", "dir")];
        let file = Action::File {
            path: "/etc/x".to_owned(),
            content: "x\n".to_owned(),
            user: None,
            group: Some("adm".to_owned()),
            mode: Some(0o640),
        };
        let actions = vec![
            folder("/var/run/sshd", Some("sshd"), Some("adm"), Some(0o2750)),
            folder("/var/log/apt", Some("sshd"), None, None),
            folder("/srv/a/b", Some("#33"), None, None),
            folder("/proc/x", None, None, None),
            link("/lib/cpp", "/etc/alternatives/cpp"),
            copy("/usr/share/base-files/motd", "/etc/motd"),
            copy("/usr/share/base-files/motd", "/etc/profile"),
            file,
            Action::Metadata {
                path: "/etc/motd".to_owned(),
                user: None,
                group: Some("adm".to_owned()),
                mode: Some(0o664),
            },
            Action::Metadata { path: "/srv/a/b".to_owned(), user: Some("sshd".to_owned()), group: None, mode: None },
        ];
        let (lines, findings) = done(&entries, &[("etc/profile", "ours")], actions);
        assert_eq!(findings, Vec::<String>::new());
        insta::assert_snapshot!(lines, @"
        0664 0:4 /etc/motd 4 bytes
        0640 0:4 /etc/x 2 bytes
        2750 100:4 /run/sshd/
        0755 100:0 /srv/a/b/
        0777 0:0 /usr/lib/cpp -> /etc/alternatives/cpp
        ");
    }

    #[test]
    fn what_cannot_be_made_is_told() {
        let actions = vec![
            folder("relative", None, None, None),
            folder("/etc/../x", None, None, None),
            folder("/etc/file/x", None, None, None),
            folder("/loop/x", None, None, None),
            folder("/a/b", None, None, None),
            link("/a", "/etc"),
            link("/c", "/etc"),
            folder("/c/d", Some("nobody here"), None, None),
            copy("/usr/absent", "/etc/absent"),
        ];
        let (lines, findings) = done(&[("etc/file", "text"), ("loop", "-> loop")], &[], actions);
        let expected = [
            "any: `relative` is no path of an image",
            "any: `/etc/../x` is no path of an image",
            "any: /etc/file/x can't be made: there is no folder to make it in",
            "any: /loop/x can't be made: there is no folder to make it in",
            "any: /a can't be made: there is no folder to make it in",
            "any: nobody is called `nobody here`, to whom a file is given",
            "any: /c/d can't be made: there is no folder to make it in",
            "any: /usr/absent is no file that could become /etc/absent",
        ];
        assert_eq!(findings, expected);
        assert_eq!(lines, "0755 0:0 /a/b/\n0777 0:0 /c -> /etc\n");
    }
}
