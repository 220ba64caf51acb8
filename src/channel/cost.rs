//! What a request from another revision costs: paths that nothing else needs, and what is there twice because of it.

use std::collections::BTreeSet;

use crate::config::System;
use crate::nix::StorePath;

use super::lock::Lock;
use super::name::package_key;

/// What one request brings that no other needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Cost {
    /// Packages that others have at another path, by name; the largest first.
    pub(super) doubled: Vec<String>,
    /// Bytes of paths that nothing else needs.
    pub(super) size: u64,
}

/// The cost of the request that is locked under `key`.
pub(super) fn cost(lock: &Lock, key: &(System, String)) -> Cost {
    let closure = |is_meant: &dyn Fn(&(System, String)) -> bool| -> BTreeSet<StorePath> {
        let answers = lock.requests.iter().filter(|(locked, _)| locked.0 == key.0 && is_meant(locked));
        let roots = answers.flat_map(|(_, answer)| &answer.outputs).map(|(_, path)| path.clone());
        lock.closure(roots).unwrap_or_default()
    };
    let (own, others) = (closure(&|locked| locked == key), closure(&|locked| locked != key));
    let names: BTreeSet<String> = others.iter().map(package_key).collect();
    let size = |path: &StorePath| lock.packages.get(path).map_or(0, |package| package.nar_size);
    let mut cost = Cost::default();
    let mut doubled: Vec<(u64, String)> = Vec::new();
    for path in own.difference(&others) {
        cost.size = cost.size.saturating_add(size(path));
        let name = package_key(path);
        if names.contains(&name) {
            doubled.push((size(path), name));
        }
    }
    doubled.sort_by(|(one, first), (other, second)| other.cmp(one).then_with(|| first.cmp(second)));
    cost.doubled = doubled.into_iter().map(|(_, name)| name).collect();
    cost
}

impl Cost {
    /// `it brings a second glibc and zlib, 12.3 MB that nothing else needs`
    pub(super) fn told(&self) -> String {
        let size = format!("{} MB that nothing else needs", megabytes(self.size));
        let listed = &self.doubled[..self.doubled.len().min(3)];
        let more = self.doubled.len() - listed.len();
        let names = match (listed, more) {
            ([], _) => return format!("it brings {size}"),
            ([only], _) => only.clone(),
            (_, 0) => match listed.split_last() {
                Some((last, before)) => format!("{} and {last}", before.join(", ")),
                None => String::new(),
            },
            (_, more) => format!("{} and {more} more", listed.join(", ")),
        };
        format!("it brings a second {names}: {size}")
    }
}

/// With a digit after the point.
fn megabytes(bytes: u64) -> String {
    let tenths = bytes.saturating_add(50_000) / 100_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::super::lock::{LockedPackage, LockedRequest};
    use super::super::test_support::path;
    use super::*;
    use crate::nix::Sha256;

    fn package(size: u64, references: &[&str]) -> LockedPackage {
        LockedPackage {
            nar_hash: Sha256::of(b""),
            nar_size: size,
            references: references.iter().map(|name| path(name)).collect(),
            signatures: Vec::new(),
            content_address: None,
            deriver: None,
            channel: None,
            source: None,
        }
    }

    fn request(name: &str) -> LockedRequest {
        let outputs = vec![("out".to_owned(), path(name))];
        LockedRequest { channel: None, name: name.to_owned(), version: None, outputs, deb: None, origin: None }
    }

    #[test]
    fn what_is_shared_costs_nothing() {
        let mut lock = Lock::default();
        let key = |name: &str| (System::X86_64Linux, name.to_owned());
        for (name, size, references) in [
            ("git-2", 5_000_000, &["glibc-2.40", "tz-1"][..]),
            ("glibc-2.40", 30_000_000, &[]),
            ("tz-1", 1_000_000, &[]),
            ("python3-3.9", 50_000_000, &["glibc-2.35", "tz-1"]),
            ("glibc-2.35", 28_000_000, &[]),
        ] {
            lock.packages.insert(path(name), package(size, references));
        }
        lock.requests.insert(key("git"), request("git-2"));
        lock.requests.insert(key("python3@3.9"), request("python3-3.9"));
        let found = cost(&lock, &key("python3@3.9"));
        assert_eq!(found, Cost { doubled: vec!["glibc".to_owned()], size: 78_000_000 });
        assert_eq!(found.told(), "it brings a second glibc: 78.0 MB that nothing else needs");
        lock.requests.remove(&key("git"));
        assert_eq!(cost(&lock, &key("python3@3.9")).told(), "it brings 79.0 MB that nothing else needs");
    }

    #[test]
    fn many_are_counted() {
        let told = |names: &[&str]| {
            let doubled = names.iter().map(|name| (*name).to_owned()).collect();
            Cost { doubled, size: 40_000 }.told()
        };
        assert_eq!(told(&["a", "b"]), "it brings a second a and b: 0.0 MB that nothing else needs");
        assert_eq!(
            told(&["a", "b", "c", "d", "e"]),
            "it brings a second a, b, c and 2 more: 0.0 MB that nothing else needs"
        );
    }
}
