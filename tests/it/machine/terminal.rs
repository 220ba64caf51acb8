//! A terminal is handed to the foreground whole: its size, and job control.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::container::{Image, Machine};
use crate::clients::has;

/// A program on a terminal of its own.
struct Terminal {
    child: Child,
    stdin: ChildStdin,
    heard: Receiver<Vec<u8>>,
    text: String,
}

impl Terminal {
    /// `docker run -it` of the image.
    fn run(machine: &Machine, image: &Image<'_>, options: &str) -> Self {
        let host = machine.daemon.host();
        let line = format!(
            "stty rows 41 cols 133; exec docker -H {host} run --rm -it --network=none {options} {}",
            image.name
        );
        let mut command = Command::new("script");
        command.args(["-qefc", &line, "/dev/null"]).env("SHELL", "/bin/sh").env("TERM", "xterm");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let (stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (tell, heard) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut bytes) {
                if tell.send(bytes[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, stdin, heard, text: String::new() }
    }

    /// Waits for `text` after what was waited for before.
    fn expect(&mut self, text: &str) {
        let until = Instant::now() + Duration::from_mins(1);
        loop {
            if let Some(at) = self.text.find(text) {
                self.text.drain(..at + text.len());
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            let bytes = self.heard.recv_timeout(left);
            let bytes =
                bytes.unwrap_or_else(|error| panic!("`{text}` never came ({error}); there was:\n{}", self.text));
            self.text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    fn type_in(&mut self, text: &str) {
        self.stdin.write_all(text.as_bytes()).unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_shell_has_job_control_and_the_terminals_size() {
    let Some(machine) = Machine::new() else { return };
    if has("script").is_none() {
        return;
    }
    machine.system(&[], "[entrypoint]\ncommand = [\"sh\"]\nuser = \"alice\"\n");
    machine.file("users.toml", "[alice]\nuid = 1000\n");
    let image = machine.load();
    for options in ["", "--init"] {
        let mut terminal = Terminal::run(&machine, &image, options);
        terminal.expect("$ ");
        terminal.type_in("busybox stty size; id -un; busybox tty\n");
        terminal.expect("41 133\r\n");
        terminal.expect("alice\r\n");
        terminal.expect("/dev/");
        terminal.expect("$ ");
        assert!(!terminal.text.contains("job control"), "{}", terminal.text);
        // It says itself when it has the terminal: before, keys are the shell's.
        let runs = "sh -c 'echo here''after; exec sleep 1000'\n";
        for (key, shows) in [("\u{3}", "code 130\r\n"), ("\u{1a}", "Stopped")] {
            terminal.type_in(runs);
            terminal.expect("hereafter\r\n");
            terminal.type_in(key);
            terminal.expect("$ ");
            terminal.type_in("echo code $?; jobs\n");
            terminal.expect(shows);
        }
        terminal.type_in("kill -KILL %1; wait\n");
        terminal.expect("$ ");
        // A job that was stopped a moment ago may make the shell ask again.
        terminal.type_in("exit 5\nexit 5\n");
        assert_eq!(terminal.child.wait().unwrap().code(), Some(5), "{options}: {}", terminal.text);
    }
}
