//! Arguments of commands: options, their values, and the rest.

use super::state::Value;

/// What a command was called with.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// `("-m", "755")`, `("--system", "")`, in order.
    flags: Vec<(String, String)>,
    /// What is no option.
    pub(super) rest: Vec<String>,
}

impl Options {
    /// Reads `arguments`; options among `valued` take the next argument or what follows them. `None`: an argument isn't known.
    pub(super) fn parse(arguments: &[Value], valued: &[&str]) -> Option<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let argument = argument.as_deref()?;
            if argument == "--" {
                for argument in arguments.by_ref() {
                    options.rest.push(argument.clone()?);
                }
            } else if argument.starts_with("--") {
                let (name, value) = match argument.split_once('=') {
                    Some((name, value)) => (name, value.to_owned()),
                    None if valued.contains(&argument) => (argument, arguments.next()?.clone()?),
                    None => (argument, String::new()),
                };
                options.flags.push((name.to_owned(), value));
            } else if let Some(letters) = argument.strip_prefix('-').filter(|letters| !letters.is_empty()) {
                for (index, letter) in letters.char_indices() {
                    let flag = format!("-{letter}");
                    if valued.contains(&flag.as_str()) {
                        let following = letters.get(index + letter.len_utf8()..).unwrap_or_default();
                        let value =
                            if following.is_empty() { arguments.next()?.clone()? } else { following.to_owned() };
                        options.flags.push((flag, value));
                        break;
                    }
                    options.flags.push((flag, String::new()));
                }
            } else {
                options.rest.push(argument.to_owned());
            }
        }
        Some(options)
    }

    /// Whether one of `names` was given.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.flags.iter().any(|(flag, _)| names.contains(&flag.as_str()))
    }

    /// The last value of one of `names`.
    pub(super) fn value(&self, names: &[&str]) -> Option<&str> {
        self.flags.iter().rev().find(|(flag, _)| names.contains(&flag.as_str())).map(|(_, value)| value.as_str())
    }

    /// The arguments that are no options.
    pub(super) fn rest(&self) -> Vec<&str> {
        self.rest.iter().map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str, valued: &[&str]) -> Options {
        let arguments = line.split(' ').map(|word| Some(word.to_owned())).collect::<Vec<_>>();
        Options::parse(&arguments, valued).unwrap()
    }

    #[test]
    fn values_follow_or_are_attached() {
        let options = parse("-dm 755 -o man --group=mail --mode 644 a -- -b", &["-m", "-o", "--mode"]);
        assert!(options.has(&["-d"]) && !options.has(&["-D"]));
        assert_eq!(options.value(&["-m", "--mode"]), Some("644"));
        assert_eq!(options.value(&["-o"]), Some("man"));
        assert_eq!(options.value(&["--group", "-g"]), Some("mail"));
        assert_eq!(options.rest(), ["a", "-b"]);
        assert_eq!(parse("-m0755 x", &["-m"]).value(&["-m"]), Some("0755"));
    }

    #[test]
    fn what_is_unknown_or_missing_gives_nothing() {
        assert!(Options::parse(&[None], &[]).is_none());
        assert!(Options::parse(&[Some("-m".into())], &["-m"]).is_none());
    }
}
