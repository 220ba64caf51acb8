//! Which package wants to know when another one brings files to a folder, or calls a trigger by name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::Package;
use super::DpkgError;

/// The files below `/var/lib/dpkg/triggers` that hold the packages' interests, by name: `File` for those in paths, and one for
/// each named trigger.
pub(super) fn triggers(sorted: &[&Package<'_>]) -> Result<BTreeMap<String, String>, DpkgError> {
    let mut files = BTreeMap::from([("File".to_owned(), String::new())]);
    for package in sorted {
        let unreadable = |source| DpkgError::Control { package: package.name.clone(), source };
        let who = package.qualified_name().map_err(unreadable)?;
        for (trigger, suffix) in package.facts.text("triggers").unwrap_or_default().lines().filter_map(interest) {
            if trigger.starts_with('/') {
                let _ = writeln!(files.entry("File".to_owned()).or_default(), "{trigger} {who}{suffix}");
            } else if is_name(trigger) {
                let _ = writeln!(files.entry(trigger.to_owned()).or_default(), "{who}{suffix}");
            } else {
                let trigger = trigger.chars().take(80).collect();
                return Err(DpkgError::Trigger { package: package.name.clone(), trigger });
            }
        }
    }
    Ok(files)
}

/// What a line of a package's `triggers` is interested in, and what stands behind the package's name.
fn interest(line: &str) -> Option<(&str, &'static str)> {
    let line = line.split('#').next().unwrap_or_default();
    let mut words = line.split_whitespace();
    let suffix = match words.next()? {
        "interest" | "interest-await" => "",
        "interest-noawait" => "/noawait",
        _ => return None,
    };
    Some((words.next()?, suffix))
}

/// Whether a trigger's name can be a file's beside dpkg's own ones.
fn is_name(trigger: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'/';
    let own = ["File", "Lock", "Unincorp"].contains(&trigger);
    trigger.len() <= 200 && trigger.bytes().all(plain) && !trigger.starts_with('.') && !own
}
