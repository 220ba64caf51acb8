//! Which command does what.

use super::explained::explanation;
use super::run::{Flow, Runner};
use super::state::Value;

/// Commands that run their arguments.
const WRAPPERS: [&str; 12] = [
    "command", "env", "nice", "ionice", "nohup", "timeout", "setsid", "time", "builtin", "sudo", "setarch", "fakeroot",
];

/// Commands that only look, and change nothing: what they say isn't known.
const QUERIES: [&str; 37] = [
    "readlink",
    "realpath",
    "dpkg-realpath",
    "md5sum",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "cmp",
    "diff",
    "date",
    "getcap",
    "hostname",
    "df",
    "ps",
    "pidof",
    "pgrep",
    "lsb_release",
    "ischroot",
    "locale",
    "tty",
    "ss",
    "netstat",
    "systemd-detect-virt",
    "findmnt",
    "mountpoint",
    "file",
    "expr",
    "lsmod",
    "who",
    "runlevel",
    "test-only",
    "ldd",
    "dpkg-parsechangelog",
    "apt-config",
    "py3versions",
    "nproc",
    "pg_conftool",
];

/// Filters: what they print depends on what they read.
const FILTERS: [&str; 11] = ["sed", "awk", "tr", "cut", "sort", "uniq", "head", "tail", "wc", "mawk", "tac"];

impl Runner<'_> {
    /// Runs the command `name`, which is no function.
    pub(super) fn run(&mut self, name: &str, arguments: &[Value]) -> Flow {
        if let Some(flow) = self.flow_builtin(name, arguments) {
            return flow;
        }
        let bare = match name.rsplit_once('/') {
            Some(("/bin" | "/sbin" | "/usr/bin" | "/usr/sbin" | "/usr/local/bin", bare)) => bare,
            _ => name,
        };
        self.status = match self.shell_builtin(bare, arguments) {
            Some(status) => status,
            None => match self.file_command(bare, arguments) {
                Some(status) => status,
                None => self.system_command(bare, arguments),
            },
        };
        Flow::Next
    }

    /// Builtins that change the way.
    fn flow_builtin(&mut self, name: &str, arguments: &[Value]) -> Option<Flow> {
        let number = arguments.first().cloned().flatten().and_then(|text| text.parse::<usize>().ok());
        Some(match name {
            "exit" | "return" => {
                if !arguments.is_empty() {
                    self.status = number.map(|code| code == 0);
                }
                if name == "exit" { Flow::Exit } else { Flow::Return }
            }
            "break" => Flow::Break(number.unwrap_or(1).clamp(1, 64)),
            "continue" => Flow::Continue(number.unwrap_or(1).clamp(1, 64)),
            "exec" => {
                self.dispatch(arguments);
                Flow::Exit
            }
            "eval" => self.eval(arguments),
            "command" if matches!(arguments.first(), Some(Some(flag)) if flag == "-v" || flag == "-V") => {
                self.status = self.which(arguments.get(1..).unwrap_or_default());
                Flow::Next
            }
            "sh" | "bash" | "dash" | "su" | "runuser" | "setpriv" => return self.other_shell(name, arguments),
            _ if WRAPPERS.contains(&name) => {
                let takes = |value: &Value| {
                    let is_number = |text: &str| text.parse::<f64>().is_ok();
                    value.as_ref().is_some_and(|text| text.starts_with('-') || text.contains('=') || is_number(text))
                };
                let start = arguments.iter().position(|argument| !takes(argument)).unwrap_or(arguments.len());
                self.dispatch(arguments.get(start..).unwrap_or_default())
            }
            _ => return None,
        })
    }

    #[expect(
        clippy::option_option,
        reason = "the outer one says whether the command is known, the inner one how it ended"
    )]
    fn file_command(&mut self, name: &str, arguments: &[Value]) -> Option<Option<bool>> {
        Some(match name {
            "mkdir" => self.mkdir(arguments),
            "install" => self.install(arguments),
            "touch" => self.touch(arguments),
            "ln" => self.link(arguments),
            "cp" => self.cp(arguments),
            "ucf" => self.ucf(arguments),
            "mv" => self.mv(arguments),
            "rm" | "unlink" => self.rm(arguments),
            "rmdir" => self.rmdir(arguments),
            "chown" | "chgrp" => self.chown(name, arguments),
            "chmod" => self.chmod(arguments),
            "setcap" => self.setcap(arguments),
            "cat" => Some(self.cat(arguments)),
            "mktemp" | "tempfile" => Some(self.mktemp(arguments)),
            "ls" => self.ls(arguments),
            "stat" => self.stat(arguments),
            "seq" => Some(self.seq(arguments)),
            "find" => self.find(arguments),
            "xargs" => self.xargs(arguments),
            "tee" => {
                let text = self.standard_input();
                let path = arguments.last().cloned().flatten();
                self.write(path.as_deref(), text, arguments.iter().flatten().any(|argument| argument == "-a"));
                Some(true)
            }
            "basename" => Some(self.name_of(false, arguments)),
            "dirname" => Some(self.name_of(true, arguments)),
            "grep" | "egrep" | "fgrep" | "zgrep" => self.grep(arguments),
            _ if FILTERS.contains(&name) => self.filter(name, arguments),
            _ => return None,
        })
    }

    fn ucf(&mut self, arguments: &[Value]) -> Option<bool> {
        let options = super::options::Options::parse(arguments, &["-s", "-S", "--src-dir", "--sum-file", "-o"]);
        let Some(options) = options else { return self.unknown() };
        match &options.rest()[..] {
            _ if options.has(&["-p", "--purge"]) => Some(true),
            [from, to] => self.copy(from, to, false),
            _ => self.unknown(),
        }
    }

    fn system_command(&mut self, name: &str, arguments: &[Value]) -> Option<bool> {
        match name {
            "dpkg" => self.dpkg(arguments),
            // Which of the others are installed depends on an order that isn't ours to know: a fresh machine has none.
            "dpkg-query" => Some(false),
            "dpkg-architecture" => self.dpkg_architecture(arguments),
            "dpkg-vendor" => self.dpkg_vendor(arguments),
            "dpkg-divert" => self.divert(arguments),
            "dpkg-statoverride" => self.statoverride(arguments),
            "update-alternatives" => self.alternatives(arguments),
            "adduser" => self.adduser(arguments),
            "addgroup" => self.addgroup(arguments),
            "useradd" => self.useradd(arguments),
            "groupadd" => self.groupadd(arguments),
            "usermod" => self.usermod(arguments),
            "gpasswd" => self.gpasswd(arguments),
            "getent" => self.getent(arguments),
            "id" => self.id(arguments),
            "whoami" => {
                self.print(&Some("root\n".to_owned()));
                Some(true)
            }
            "uname" => Some(self.uname(arguments)),
            // The messages of dpkg's own library.
            "setup_colors" | "warning" | "notice" => Some(true),
            "perl" if arguments.iter().flatten().eq(["-e", ""]) => Some(true),
            _ if name.starts_with("db_") => self.debconf(name, arguments),
            _ if QUERIES.contains(&name) => {
                self.print(&None);
                if name == "ischroot" { Some(true) } else { None }
            }
            _ => match self.helper(name, arguments) {
                Some(status) => status,
                None => self.explained(name, arguments),
            },
        }
    }

    fn explained(&mut self, name: &str, arguments: &[Value]) -> Option<bool> {
        let bare = name.rsplit('/').next().unwrap_or(name);
        match explanation(bare, arguments) {
            Some((reason, status)) => {
                self.explain(bare, reason);
                if bare == "rndc-confgen" {
                    // The scripts that ask for it go on only if it is there.
                    self.note(super::explained::RNDC_KEY, true);
                }
                self.print(&None);
                status
            }
            None => self.unknown(),
        }
    }

    fn mktemp(&mut self, arguments: &[Value]) -> bool {
        self.temporary += 1;
        let path = format!("/tmp/dumbc.{}", self.temporary);
        self.note(&path, true);
        if arguments.iter().flatten().all(|argument| argument != "-d") {
            self.state.contents.insert(path.clone(), Some(String::new()));
        }
        self.print(&Some(path + "\n"));
        true
    }

    fn uname(&mut self, arguments: &[Value]) -> bool {
        let machine = match self.architecture {
            "amd64" => Some("x86_64\n"),
            "arm64" => Some("aarch64\n"),
            _ => None,
        };
        let answer = match arguments.first().cloned().flatten().as_deref() {
            None | Some("-s") => Some("Linux\n"),
            Some("-m" | "-p" | "-i") => machine,
            _ => None,
        };
        self.print(&answer.map(str::to_owned));
        true
    }
}
