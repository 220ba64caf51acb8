//! Words and variables as fish writes them.

/// `text` as one word; as it is where nothing in it means anything.
pub(super) fn quote(text: &str) -> String {
    if super::super::shell::is_plain(text) {
        return text.to_owned();
    }
    let mut quoted = String::from("'");
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        // A backslash means something before a quote, a backslash and the end, and nowhere else.
        let is_special = match character {
            '\'' => true,
            '\\' => matches!(characters.peek(), None | Some('\'' | '\\')),
            _ => false,
        };
        if is_special {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('\'');
    quoted
}

/// What is said of a command that fish may read in another way.
const COMMAND: &str = "a command with more than plain words stands in it";

/// How deep `${A:-${B:-…}}` may be.
const DEEPEST: usize = 8;

/// The value of a session's variable, which stands between double quotes in sh, as fish's text between double quotes, quotes
/// put around. Says what fish can't do without running sh.
pub(super) fn from_sh(value: &str) -> Result<String, &'static str> {
    let mut reader = Reader { rest: value };
    let text = reader.text(DEEPEST, false)?;
    Ok(format!("\"{text}\""))
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// Up to the end, or to the brace that closes the reference it stands in.
    fn text(&mut self, depth: usize, in_braces: bool) -> Result<String, &'static str> {
        let depth = depth.checked_sub(1).ok_or("references to variables stand too deep in each other")?;
        let mut text = String::new();
        while let Some(character) = self.next() {
            match character {
                '}' if in_braces => return Ok(text),
                '\\' => text += &self.escaped(),
                '$' => text += &self.reference(depth)?,
                '`' => return Err(COMMAND),
                // Between braces it begins and ends quotes for sh, and everything there stands in quotes anyway.
                '"' if in_braces => {}
                '"' => text += "\\\"",
                other => text.push(other),
            }
        }
        if in_braces { Err("`${` has no `}`") } else { Ok(text) }
    }

    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        Some(character)
    }

    fn take(&mut self, accepts: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !accepts(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken.to_owned()
    }

    /// After a backslash.
    fn escaped(&mut self) -> String {
        let next = self.rest.chars().next();
        match next {
            Some(character @ ('$' | '"' | '\\')) => {
                self.next();
                format!("\\{character}")
            }
            Some('`') => self.next().into_iter().collect(),
            Some('\n') => {
                self.next();
                String::new()
            }
            _ => "\\\\".to_owned(),
        }
    }

    /// After a dollar sign.
    fn reference(&mut self, depth: usize) -> Result<String, &'static str> {
        match self.rest.chars().next() {
            Some('{') => {
                self.next();
                self.braced(depth)
            }
            Some('(') => {
                self.next();
                self.command()
            }
            Some(c) if is_start(c) => Ok(format!("${}\"\"", self.take(is_part))),
            Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(c) => {
                Err("a parameter of the shell's own stands in it")
            }
            _ => Ok("\\$".to_owned()),
        }
    }

    /// After `$(`: plain words are the same command to fish.
    fn command(&mut self) -> Result<String, &'static str> {
        let words = self.take(|c| c.is_ascii_alphanumeric() || " -_./:,@+%".contains(c));
        if words.trim().is_empty() || !self.skip(")") { Err(COMMAND) } else { Ok(collected(&words)) }
    }

    /// After `${`.
    fn braced(&mut self, depth: usize) -> Result<String, &'static str> {
        const UNKNOWN: &str = "`${` with anything but `-`, `:-`, `+`, `:+` stands in it";
        if !self.rest.starts_with(is_start) {
            return Err(UNKNOWN);
        }
        let name = self.take(is_part);
        if self.skip("}") {
            return Ok(format!("${name}\"\""));
        }
        let test = if self.skip(":") { format!("test -n \"${name}\"") } else { format!("set -q {name}") };
        if self.skip("-") {
            let word = self.text(depth, true)?;
            Ok(collected(&format!("{test}; and printf %s \"${name}\"; or printf %s \"{word}\"")))
        } else if self.skip("+") {
            let word = self.text(depth, true)?;
            Ok(collected(&format!("{test}; and printf %s \"{word}\"")))
        } else {
            Err(UNKNOWN)
        }
    }

    /// Whether `text` came next.
    fn skip(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

/// What `script` prints, as one word even where that is nothing. It leaves the quotes: fish before release 3.7 reads no quotes
/// in a command in quotes where another command follows.
fn collected(script: &str) -> String {
    format!("\"(begin; {script}; end | string collect --allow-empty)\"")
}

fn is_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn run(shell: &str, script: &str) -> Option<String> {
        let output = Command::new(shell)
            .args(if shell == "fish" { &["--no-config", "-c"][..] } else { &["-c"] })
            .arg(script)
            .env("HOME", "/home/alice")
            .env("EMPTY", "")
            .env_remove("UNSET")
            .output()
            .ok()?;
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[test]
    fn fish_says_what_sh_says() {
        for value in [
            "plain",
            "$HOME/bin:$UNSET",
            "${HOME}x",
            "${UNSET:-$HOME/.config}",
            "${EMPTY:-a}${EMPTY-b}${UNSET-c \"d\"}",
            "${HOME:+:$HOME}${UNSET:+:$UNSET}${EMPTY+set}",
            "${UNSET:-${EMPTY:-deep}}",
            r#"\$HOME \\ \" 5$ \q it's #"#,
            "--preview 'tree -C {} | head -200'",
            "${UNSET:-\"/run/$(printf %s user)/$(id -u)\"}$(echo a)",
        ] {
            let fish = from_sh(value).unwrap_or_else(|error| panic!("{value}: {error}"));
            let Some(said) = run("fish", &format!("set -gx V {fish}\nprintf %s \"$V\"")) else {
                crate::home::programs::testing::skipped("no fish here");
                return;
            };
            let expected = run("bash", &format!("export V=\"{value}\"\nprintf %s \"$V\""));
            assert_eq!(said, expected.expect("bash"), "{value} as {fish}");
        }
    }

    #[test]
    fn what_needs_sh_is_refused() {
        for value in [
            "$(id | wc)",
            "$(a; b)",
            "$(echo \"x\")",
            "$()",
            "$(id",
            "`id`",
            "$1",
            "${A%b}",
            "${A",
            "${1}",
            "${A:-${B:-${C:-${D:-${E:-${F:-${G:-${H:-${I}}}}}}}}}",
        ] {
            assert!(from_sh(value).is_err(), "{value}");
        }
    }

    #[test]
    fn words_are_quoted() {
        assert_eq!(quote("git checkout"), "'git checkout'");
        assert_eq!(quote(r"^\.\.+$"), r"'^\.\.+$'");
        assert_eq!(quote(r"it's \\ a\"), r"'it\'s \\\ a\\'");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn fish_reads_what_was_quoted(text in r#"[a-z '\\"$()#\n]{0,12}"#) {
            if let Some(said) = run("fish", &format!("printf %s {}", quote(&text))) {
                prop_assert_eq!(said, text);
            }
        }

        #[test]
        fn any_value_is_read_or_refused(text in r#"[a-zA-Z${}:+\-"'`\\ ]{0,40}"#) {
            _ = from_sh(&text);
        }
    }
}
