//! Modules of Apache that other modules need: `a2enmod` enables them along with those that it is asked for.

use std::collections::BTreeSet;
use std::io;

use super::Action;

const ENABLED: &str = "/etc/apache2/mods-enabled/";

/// Links for all modules that `enabled` ones depend on (`# Depends: authz_core` in their `.load` files), and for those that
/// these depend on. `read` yields the text of a file by its absolute path.
///
/// # Errors
/// `read`'s.
pub fn dependencies<'a>(
    enabled: impl IntoIterator<Item = &'a Action>,
    read: &dyn Fn(&str) -> io::Result<Option<String>>,
) -> io::Result<Vec<Action>> {
    let mut todo: Vec<String> = enabled.into_iter().filter_map(module).collect();
    let mut known: BTreeSet<String> = todo.iter().cloned().collect();
    let mut links = Vec::new();
    while let Some(name) = todo.pop() {
        let text = read(&available(&name, "load"))?.unwrap_or_default();
        for needed in text.lines().filter_map(|line| line.strip_prefix("# Depends:")).flat_map(str::split_whitespace) {
            let is_name = needed.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !is_name || !known.insert(needed.to_owned()) {
                continue;
            }
            for ending in ["load", "conf"] {
                if read(&available(needed, ending))?.is_some() {
                    links.push(link(needed, ending));
                }
            }
            todo.push(needed.to_owned());
        }
    }
    Ok(links)
}

/// The module that an action enables.
fn module(action: &Action) -> Option<String> {
    let Action::Symlink { path, .. } = action else { return None };
    path.strip_prefix(ENABLED)?.strip_suffix(".load").map(str::to_owned)
}

fn available(module: &str, ending: &str) -> String {
    format!("/etc/apache2/mods-available/{module}.{ending}")
}

fn link(module: &str, ending: &str) -> Action {
    Action::Symlink {
        path: format!("{ENABLED}{module}.{ending}"),
        target: format!("../mods-available/{module}.{ending}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_modules_need_is_enabled_too() {
        let read = |path: &str| {
            let text = match path.strip_prefix("/etc/apache2/mods-available/").unwrap() {
                "authz_host.load" => "# Depends: authz_core ../escape\nLoadModule …\n",
                "authz_core.load" => "# Depends: base authz_host\n",
                "base.load" | "base.conf" => "",
                _ => return Ok(None),
            };
            Ok(Some(text.to_owned()))
        };
        let found = dependencies(&[link("authz_host", "load"), link("authz_host", "conf")], &read).unwrap();
        assert_eq!(found, [link("authz_core", "load"), link("base", "load"), link("base", "conf")]);
    }
}
