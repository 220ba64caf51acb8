//! `tmpfiles.d`: folders and links that packages expect at run time, and that systemd would make at boot.
//!
//! Only what has meaning in a file system that nobody has used yet: lines that make folders and links. Cleaning up, access lists
//! and attributes are a running machine's affair.

use super::Action;

/// Longer lines than any package's.
const LONGEST_LINE: usize = 4096;

/// The folders and links that a file of `/usr/lib/tmpfiles.d` asks for. Lines that say anything else, or that need a
/// running machine (`%` specifiers, lines for boot alone), are passed over.
#[must_use]
pub fn actions(text: &str) -> Vec<Action> {
    text.lines().filter(|line| line.len() <= LONGEST_LINE).filter_map(action).collect()
}

fn action(line: &str) -> Option<Action> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let words = shlex::split(line)?;
    let field = |index: usize| words.get(index).map(String::as_str).filter(|word| !matches!(*word, "" | "-"));
    let path = field(1).filter(|path| path.starts_with('/') && !path.contains('%'))?.trim_end_matches('/');
    if path.is_empty() {
        return None;
    }
    match field(0)?.trim_end_matches(['+', '=', '?']) {
        "d" | "D" | "v" | "q" | "Q" => Some(Action::Directory {
            path: path.to_owned(),
            user: field(3).and_then(name),
            group: field(4).and_then(name),
            mode: field(2).and_then(mode),
        }),
        "L" => Some(Action::Symlink { path: path.to_owned(), target: field(6)?.to_owned() }),
        _ => None,
    }
}

/// `:` asks that what is there already be left alone.
fn name(word: &str) -> Option<String> {
    let name = word.trim_start_matches(':');
    (!name.is_empty() && !name.contains('%')).then(|| name.to_owned())
}

/// Octal; `~` asks to mask it, which a new folder does not need.
fn mode(word: &str) -> Option<u32> {
    u32::from_str_radix(word.trim_start_matches([':', '~']), 8).ok().filter(|mode| *mode <= 0o7777)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn directory(path: &str, user: Option<&str>, group: Option<&str>, mode: Option<u32>) -> Action {
        let owned = |name: Option<&str>| name.map(str::to_owned);
        Action::Directory { path: path.to_owned(), user: owned(user), group: owned(group), mode }
    }

    #[test]
    fn folders_and_links_are_made_and_nothing_else() {
        let text = "# comment\n\
            d /run/sshd 0755 root root -\n\
            D /run/postgresql/ :2775 postgres :postgres\n\
            q  /var/tmp 1777 - - 30d\n\
            L+ /etc/mtab - - - - ../proc/self/mounts\n\
            L /var/x\n\
            z /var/log 0755\nf /run/file 0644 - - - text\nx /tmp/keep\n\
            d /run/user/%U 0700\nd relative 0755\nd / 0755\nd\n\
            d! \"/run/with space\" 99999\n";
        let link = Action::Symlink { path: "/etc/mtab".to_owned(), target: "../proc/self/mounts".to_owned() };
        let expected = [
            directory("/run/sshd", Some("root"), Some("root"), Some(0o755)),
            directory("/run/postgresql", Some("postgres"), Some("postgres"), Some(0o2775)),
            directory("/var/tmp", None, None, Some(0o1777)),
            link,
        ];
        assert_eq!(actions(text), expected);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "([dDLzf+!]{1,2} /[a-z%\"'/]{0,10} [0-9:~-]{0,6} [a-z:-]{0,3}\n?){0,5}.{0,20}") {
            for action in actions(&text) {
                let is_made = matches!(action, Action::Directory { .. } | Action::Symlink { .. });
                prop_assert!(is_made);
            }
        }
    }
}
