//! The shell's own commands, and other shells.

use super::run::{Flow, Runner};
use super::state::Value;

impl Runner<'_> {
    #[expect(
        clippy::option_option,
        reason = "the outer one says whether the command is known, the inner one how it ended"
    )]
    pub(super) fn shell_builtin(&mut self, name: &str, arguments: &[Value]) -> Option<Option<bool>> {
        Some(match name {
            ":" | "true" | "trap" | "ulimit" | "sleep" | "wait" | "sync" | "hash" | "alias" | "unalias" => Some(true),
            "umask" => {
                let mask = arguments.first().and_then(Option::as_deref);
                self.state.umask =
                    mask.and_then(|mask| u32::from_str_radix(mask, 8).ok()).filter(|mask| *mask <= 0o777);
                Some(true)
            }
            "false" => Some(false),
            "test" => self.test(arguments, false),
            "[" | "[[" => {
                let inner = arguments.split_last().map_or(arguments, |(_, inner)| inner);
                self.test(inner, name == "[[")
            }
            "echo" => Some(self.echo(arguments)),
            "printf" => Some(self.printf(arguments)),
            "read" => self.read(arguments),
            "set" => {
                if let Some(at) = arguments.iter().position(|argument| argument.as_deref() == Some("--")) {
                    self.state.arguments = arguments.get(at + 1..).unwrap_or_default().to_vec();
                }
                Some(true)
            }
            "shift" => {
                let count = arguments.first().cloned().flatten().and_then(|text| text.parse().ok()).unwrap_or(1_usize);
                let count = count.min(self.state.arguments.len());
                self.state.arguments.drain(..count);
                Some(true)
            }
            "unset" => {
                for name in arguments.iter().flatten() {
                    self.state.unset(name);
                }
                Some(true)
            }
            "cd" | "pushd" => {
                let to = arguments.first().cloned().flatten();
                let stands = to.as_ref().and_then(|to| self.stands(to));
                if stands != Some(false) {
                    self.state.folder = to.and_then(|to| self.absolute(&to));
                }
                stands
            }
            "pwd" => {
                let folder = self.state.folder.clone().map(|folder| folder + "\n");
                self.print(&folder);
                Some(true)
            }
            "." | "source" => self.source(arguments),
            "which" | "type" => self.which(arguments),
            _ => return None,
        })
    }

    /// Other scripts' functions: debconf's are known, others only by their names.
    fn source(&mut self, arguments: &[Value]) -> Option<bool> {
        match arguments.first().cloned().flatten() {
            Some(path) => self.stands(&path),
            None => None,
        }
    }

    /// `command -v`, `which`: where a program is.
    pub(super) fn which(&mut self, arguments: &[Value]) -> Option<bool> {
        let name = arguments.iter().flatten().find(|argument| !argument.starts_with('-')).cloned()?;
        if self.state.functions.contains_key(&name) || super::explained::is_own_tool(&name) {
            self.print(&Some(format!("/usr/bin/{name}\n")));
            return Some(true);
        }
        let (path, stands) = self.program(&name);
        if stands != Some(false) {
            self.print(&stands.map(|_| path + "\n"));
        }
        stands
    }

    pub(super) fn eval(&mut self, arguments: &[Value]) -> Flow {
        let line = self.line;
        let texts = arguments.iter().cloned().collect::<Option<Vec<_>>>();
        let script = texts.and_then(|texts| super::parse::parse(&texts.join(" "), line).ok());
        if let Some(script) = script.filter(|script| script.documents.is_empty()) {
            self.spend(16);
            self.block(&script.block)
        } else {
            self.unknown();
            Flow::Next
        }
    }

    /// `sh -c TEXT`, `sh FILE`, `setpriv … -- COMMAND`; `None`: another form.
    pub(super) fn other_shell(&mut self, name: &str, arguments: &[Value]) -> Option<Flow> {
        let before = std::mem::replace(&mut self.is_root, name.ends_with("sh"));
        let flow = self.as_other(arguments);
        self.is_root = before;
        flow
    }

    fn as_other(&mut self, arguments: &[Value]) -> Option<Flow> {
        let position = |flag: &str| arguments.iter().position(|argument| argument.as_deref() == Some(flag));
        let outer = if let Some(at) = position("-c") {
            self.eval(arguments.get(at + 1..at + 2).unwrap_or_default())
        } else if let Some(at) = position("--") {
            self.dispatch(arguments.get(at + 1..).unwrap_or_default())
        } else if arguments.first()?.as_deref()?.contains('/') {
            self.dispatch(arguments)
        } else {
            return None;
        };
        Some(if outer == Flow::Exit { Flow::Next } else { outer })
    }
}
