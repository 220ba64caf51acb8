//! Variables of sessions: as a shell reads them, and put in for daemons, which no shell starts.

use std::collections::BTreeMap;

use crate::boot::PlanAccount;

/// References in references, no deeper.
const DEEPEST: usize = 8;
/// Longer values are cut: references can make a few variables grow without end.
const LONGEST: usize = 64 * 1024;

/// What shells of sessions read: variables once, and folders before PATH wherever they are missing, as `/etc/profile` begins PATH
/// anew for a login shell within a session (tmux starts such). Values stand in double quotes, so that `$HOME` and `$(…)` are the
/// shell's to expand; what is in double quotes in them stays so.
pub(super) fn script(variables: &BTreeMap<String, String>, path: &[String]) -> String {
    let mut text = "# Only once in a session.\nif [ -z \"${__HM_SESS_VARS_SOURCED-}\" ]; then\n\
                    export __HM_SESS_VARS_SOURCED=1\n"
        .to_owned();
    for (name, value) in variables {
        text.extend(["export ", name.as_str(), "=\"", quoted(value).as_str(), "\"\n"]);
    }
    text += "fi\n";
    // The last one goes first, so that they stand in their order.
    for folder in path.iter().rev().map(|folder| quoted(folder)) {
        let folder = folder.as_str();
        text.extend(["case \":${PATH-}:\" in\n*\":", folder, ":\"*) ;;\n"]);
        text.extend(["*) export PATH=\"", folder, "${PATH:+:}${PATH-}\" ;;\nesac\n"]);
    }
    text
}

/// With a backslash before quotes that would end the value. Those within `$(…)` and `${…}`, and those that have their
/// backslash, are as they should be.
fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut open: Vec<char> = Vec::new();
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                text.push('\\');
                // A backslash at the end would escape the closing quote.
                text.push(characters.next().unwrap_or('\\'));
                continue;
            }
            '$' if matches!(characters.peek(), Some('(' | '{')) => {
                text.push('$');
                let bracket = characters.next().unwrap_or('(');
                open.push(if bracket == '(' { ')' } else { '}' });
                text.push(bracket);
                continue;
            }
            '(' if open.last() == Some(&')') => open.push(')'),
            c if open.last() == Some(&c) => {
                open.pop();
            }
            '"' if open.is_empty() => text.push('\\'),
            _ => {}
        }
        text.push(character);
    }
    text
}

/// The variables with references put in: to `HOME`, `USER`, and to variables that come earlier in the order of names, as a
/// shell sees them. What is not known, and `$(…)`, stays as written.
pub(super) fn expanded(variables: &BTreeMap<String, String>, account: &PlanAccount) -> BTreeMap<String, String> {
    let mut known = of_account(account);
    let mut expanded_all = BTreeMap::new();
    for (name, value) in variables {
        let value = expand(value, &known);
        known.insert(name.clone(), value.clone());
        expanded_all.insert(name.clone(), value);
    }
    expanded_all
}

/// The folders with references put in; only those that are absolute then.
pub(super) fn folders(path: &[String], variables: &BTreeMap<String, String>, account: &PlanAccount) -> Vec<String> {
    let mut known = of_account(account);
    known.extend(expanded(variables, account));
    path.iter().map(|folder| expand(folder, &known)).filter(|folder| folder.starts_with('/')).collect()
}

fn of_account(account: &PlanAccount) -> BTreeMap<String, String> {
    let run = format!("/run/user/{}", account.uid);
    let own = [("HOME", &account.home), ("USER", &account.name), ("LOGNAME", &account.name), ("XDG_RUNTIME_DIR", &run)];
    own.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

/// What a shell makes of `text` in double quotes, as far as `known` says: `$NAME`, `${NAME}`, `${NAME:-default}`, and
/// backslashes before `$`, `"`, `` ` `` and themselves.
#[must_use]
pub fn expand(text: &str, known: &BTreeMap<String, String>) -> String {
    let mut expanded = expand_at(text, known, 0);
    expanded.truncate(expanded.floor_char_boundary(LONGEST));
    expanded
}

fn expand_at(text: &str, known: &BTreeMap<String, String>, depth: usize) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['$', '\\']) {
        if result.len() > LONGEST {
            return result;
        }
        result.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix('\\') {
            let escaped = after.chars().next().filter(|c| matches!(c, '$' | '"' | '`' | '\\'));
            result.push(escaped.unwrap_or('\\'));
            rest = &after[escaped.map_or(0, char::len_utf8)..];
            continue;
        }
        let (value, length) = reference(rest, known, depth);
        result.push_str(&value);
        rest = &rest[length..];
    }
    result + rest
}

/// What the reference at the beginning of `text` stands for, and its length.
fn reference(text: &str, known: &BTreeMap<String, String>, depth: usize) -> (String, usize) {
    let as_written = |length: usize| (text[..length].to_owned(), length);
    let name_length = |text: &str| {
        let length = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        if text.starts_with(|c: char| c.is_ascii_digit()) { 0 } else { length }
    };
    let Some(inner) = text.strip_prefix("${") else {
        let length = 1 + name_length(&text[1..]);
        let name = &text[1..length];
        return known.get(name).map_or_else(|| as_written(length), |value| (value.clone(), length));
    };
    let Some(end) = closing(inner) else { return as_written(2) };
    let (inner, length) = (&inner[..end], end + 3);
    let (name, rest) = inner.split_at(name_length(inner));
    match (known.get(name), rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-'))) {
        (Some(value), _) if rest.is_empty() || (!value.is_empty() && rest.starts_with([':', '-'])) => {
            (value.clone(), length)
        }
        (_, Some(default)) if !name.is_empty() && depth < DEEPEST => (expand_at(default, known, depth + 1), length),
        _ => as_written(length),
    }
}

/// Where the `}` is that closes, nested ones skipped.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn known() -> BTreeMap<String, String> {
        [("HOME", "/home/alice"), ("A_1", "one"), ("EMPTY", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    }

    #[test]
    fn references_are_put_in_as_a_shell_does() {
        for (text, expected) in [
            ("$HOME/bin", "/home/alice/bin"),
            ("${HOME}x$A_1.", "/home/alicexone."),
            ("${GONE:-$HOME/.config}/x", "/home/alice/.config/x"),
            ("${GONE-${A_1}}", "one"),
            ("${EMPTY:-x}", "x"),
            ("${HOME:-x}", "/home/alice"),
            ("$GONE ${GONE} $", "$GONE ${GONE} $"),
            ("\\$HOME \\\\ \\\" \\n", "$HOME \\ \" \\n"),
            ("$(date) $1 ${ é", "$(date) $1 ${ é"),
            ("100%", "100%"),
        ] {
            assert_eq!(expand(text, &known()), expected, "{text}");
        }
    }

    #[test]
    fn quotes_stay_in_their_place() {
        for (value, expected) in [
            ("plain $HOME", "plain $HOME"),
            ("{\"a\": 1}", "{\\\"a\\\": 1}"),
            ("\\\"x\\\"", "\\\"x\\\""),
            ("$(cmd \"a (b)\") \"", "$(cmd \"a (b)\") \\\""),
            ("${X:-\"a\"}\"", "${X:-\"a\"}\\\""),
            ("end\\", "end\\\\"),
        ] {
            assert_eq!(quoted(value), expected, "{value}");
        }
    }

    #[test]
    fn the_script_is_home_managers() {
        let variables = [("B", "x"), ("A", "$HOME")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let text = script(&variables, &["$HOME/bin".to_owned(), "/opt/bin".to_owned()]);
        insta::assert_snapshot!(text, @r#"
        # Only once in a session.
        if [ -z "${__HM_SESS_VARS_SOURCED-}" ]; then
        export __HM_SESS_VARS_SOURCED=1
        export A="$HOME"
        export B="x"
        fi
        case ":${PATH-}:" in
        *":/opt/bin:"*) ;;
        *) export PATH="/opt/bin${PATH:+:}${PATH-}" ;;
        esac
        case ":${PATH-}:" in
        *":$HOME/bin:"*) ;;
        *) export PATH="$HOME/bin${PATH:+:}${PATH-}" ;;
        esac
        "#);
    }

    #[test]
    fn a_login_shell_in_a_session_has_its_folders_again() {
        let script = script(&BTreeMap::new(), &["$HOME/bin".to_owned(), "/opt/bin".to_owned()]);
        let twice = format!("HOME=/h PATH=/sw\n{script}{script}echo \"$PATH\"\nPATH=/sw\n{script}echo \"$PATH\"\n");
        if let Ok(output) = std::process::Command::new("/bin/sh").arg("-c").arg(twice).output() {
            assert_eq!(String::from_utf8_lossy(&output.stdout), "/h/bin:/opt/bin:/sw\n/h/bin:/opt/bin:/sw\n");
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_it_down(text in "[$\\\\{}():\\-\"A-C é]{0,40}") {
            let _ = expand(&text, &known());
            let _ = quoted(&text);
        }

        /// A value without the shell's own characters comes out of a shell as it was written.
        #[test]
        fn a_shell_reads_plain_values_back(value in "[ -#%-\\[\\]-_a-z|~]{0,30}") {
            let variables = BTreeMap::from([("VALUE".to_owned(), value.clone())]);
            let script = script(&variables, &[]) + "printf %s \"$VALUE\"";
            if let Ok(output) = std::process::Command::new("/bin/sh").arg("-c").arg(script).output() {
                prop_assert_eq!(String::from_utf8_lossy(&output.stdout), value);
            }
        }
    }
}
