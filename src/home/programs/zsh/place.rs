//! Where zsh's files lie in a home.

use super::super::options::wrong;
use super::super::{Context, OptionError};
use crate::image::ImagePath;

/// The folder of zsh's files.
pub(super) struct Place {
    /// Below the home, with a slash at its end where it isn't the home itself.
    below: String,
    /// Absolute, without a slash at its end.
    pub(super) absolute: String,
}

impl Place {
    /// `dot_dir` is absolute, or below the home.
    pub(super) fn new(dot_dir: Option<&str>, context: &Context<'_>) -> Result<Self, OptionError> {
        let home = context.home.trim_end_matches('/');
        let written = dot_dir.unwrap_or_default().trim_end_matches('/');
        let below = below_home(written, home).filter(|below| ImagePath::new(below.as_bytes()).is_ok());
        match below {
            Some("") => Ok(Self { below: String::new(), absolute: home.to_owned() }),
            Some(below) => Ok(Self { below: format!("{below}/"), absolute: format!("{home}/{below}") }),
            None => Err(wrong("zsh", &["dotDir"], &format!("`{written}` is no folder of the home"))),
        }
    }

    /// The path below the home of a file in the folder.
    pub(super) fn file(&self, name: &str) -> String {
        format!("{}{name}", self.below)
    }

    /// Whether it is the home itself.
    pub(super) fn is_home(&self) -> bool {
        self.below.is_empty()
    }

    /// A folder of zsh's own in it, below the home: `.zsh/plugins`, or `plugins` in a folder of its own.
    pub(super) fn own(&self, name: &str) -> String {
        if self.is_home() { format!(".zsh/{name}") } else { self.file(name) }
    }
}

/// `None`: elsewhere.
fn below_home<'a>(written: &'a str, home: &str) -> Option<&'a str> {
    if matches!(written, "" | "~" | "$HOME") || written == home {
        return Some("");
    }
    let prefixed = [home, "$HOME", "~"].iter().find_map(|start| written.strip_prefix(start)?.strip_prefix('/'));
    prefixed.or_else(|| (!written.starts_with('/')).then_some(written))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::programs::Contribution;

    fn place(dot_dir: &str) -> Option<(String, String)> {
        let context = Context {
            user: "alice",
            home: "/home/alice",
            package: &|_| None,
            list: &|_, _| None,
            others: &Contribution::default(),
        };
        let place = Place::new(Some(dot_dir), &context).ok()?;
        Some((place.file(".zshrc"), place.absolute))
    }

    #[test]
    fn a_folder_of_the_home_is_absolute_or_relative() {
        let expected = Some(("sub/zsh/.zshrc".to_owned(), "/home/alice/sub/zsh".to_owned()));
        for written in ["sub/zsh", "/home/alice/sub/zsh/", "$HOME/sub/zsh", "~/sub/zsh"] {
            assert_eq!(place(written), expected, "{written}");
        }
        assert_eq!(place("/home/alice"), Some((".zshrc".to_owned(), "/home/alice".to_owned())));
        for refused in ["/etc/zsh", "../bob", "a/../../b", "/home/alicex/a"] {
            assert_eq!(place(refused), None, "{refused}");
        }
    }
}
