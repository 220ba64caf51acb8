//! What docker and podman are told to run a machine.

use std::path::PathBuf;

use super::{Exposure, MOUNT_CAPABILITY, MOUNT_SECURITY, Published};

/// A program that runs containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// Docker's client; the daemon is the one that `DOCKER_HOST` or its context names.
    Docker,
    /// Podman.
    Podman,
}

impl EngineKind {
    /// In the order in which they are tried.
    pub const ALL: [Self; 2] = [Self::Docker, Self::Podman];

    /// The program's name.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

/// What of a terminal the container gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Terminal {
    /// Nothing: it runs in the background.
    Detached,
    /// What comes through a pipe.
    #[default]
    Pipe,
    /// A terminal.
    Tty,
}

/// A container that is about to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// The image, as the engine knows it.
    pub image: String,
    /// The container's name; the engine makes one up where there is none.
    pub name: Option<String>,
    /// The host's name.
    pub hostname: Option<String>,
    /// Volumes by name, with where they are mounted.
    pub volumes: Vec<(String, String)>,
    /// Ports.
    pub ports: Vec<Published>,
    /// Ports as the user wrote them, for `--publish`.
    pub publish: Vec<String>,
    /// Where ports are published, and whether it may mount.
    pub exposure: Exposure,
    /// Variables that are handed through: by name, so that no value stands in a list of processes.
    pub variables: Vec<String>,
    /// Variables that are no secrets, with their values.
    pub settings: Vec<(String, String)>,
    /// Files of variables.
    pub env_files: Vec<PathBuf>,
    /// As whom, `UID:GID`; `None`: as the image says.
    pub user: Option<String>,
    /// Where it begins; `None`: as the image says.
    pub folder: Option<String>,
    /// What of the terminal it gets.
    pub terminal: Terminal,
    /// It goes when it ends.
    pub remove: bool,
    /// Seconds that stopping may take.
    pub stop_time: Option<u64>,
    /// More of the engine's options, as they are.
    pub options: Vec<String>,
    /// Instead of the image's command.
    pub command: Vec<String>,
}

impl Run {
    /// The engine's arguments.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let switches: &[&str] = match self.terminal {
            Terminal::Detached => &["--detach"],
            Terminal::Pipe => &["--interactive"],
            Terminal::Tty => &["--interactive", "--tty"],
        };
        let remove: &[&str] = if self.remove { &["--rm"] } else { &[] };
        let plain = [&["run"], switches, remove].concat().into_iter().map(str::to_owned);
        let valued = self.valued().into_iter().flat_map(|(option, value)| [option.to_owned(), value]);
        let rest = self.options.iter().chain([&self.image]).chain(&self.command).cloned();
        plain.chain(valued).chain(rest).collect()
    }

    /// Options with their values.
    fn valued(&self) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        let mut add =
            |option, values: &mut dyn Iterator<Item = String>| all.extend(values.map(|value| (option, value)));
        add("--name", &mut self.name.iter().cloned());
        add("--hostname", &mut self.hostname.iter().cloned());
        add("--user", &mut self.user.iter().cloned());
        add("--workdir", &mut self.folder.iter().cloned());
        add("--volume", &mut self.volumes.iter().map(|(name, path)| format!("{name}:{path}")));
        add("--publish", &mut self.ports.iter().map(|port| self.exposure.publish(*port)));
        add("--publish", &mut self.publish.iter().cloned());
        add("--env", &mut self.variables.iter().cloned());
        add("--env", &mut self.settings.iter().map(|(name, value)| format!("{name}={value}")));
        add("--env-file", &mut self.env_files.iter().map(|file| file.to_string_lossy().into_owned()));
        if self.exposure.mounts {
            add("--cap-add", &mut std::iter::once(MOUNT_CAPABILITY.to_owned()));
            add("--security-opt", &mut MOUNT_SECURITY.iter().map(|option| (*option).to_owned()));
        }
        add("--stop-timeout", &mut self.stop_time.iter().map(u64::to_string));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wanted_stands_before_the_image_and_its_command_behind() {
        let run = Run {
            image: "m:latest".to_owned(),
            name: Some("m".to_owned()),
            hostname: Some("host".to_owned()),
            volumes: vec![("m-data".to_owned(), "/data".to_owned())],
            ports: vec![Published { host: 10_022, inside: 22 }],
            publish: vec!["9:9".to_owned()],
            exposure: Exposure { mounts: true, ..Exposure::default() },
            variables: vec!["SECRET".to_owned()],
            settings: vec![("HOME".to_owned(), "/home/a".to_owned())],
            env_files: vec!["e".into()],
            user: Some("1:2".to_owned()),
            folder: Some("/home/a".to_owned()),
            terminal: Terminal::Tty,
            remove: true,
            stop_time: Some(20),
            options: vec!["--network=none".to_owned()],
            command: vec!["ls".to_owned(), "-l".to_owned()],
        };
        insta::assert_snapshot!(run.arguments().join("\n"), @r"
        run
        --interactive
        --tty
        --rm
        --name
        m
        --hostname
        host
        --user
        1:2
        --workdir
        /home/a
        --volume
        m-data:/data
        --publish
        127.0.0.1:10022:22
        --publish
        9:9
        --env
        SECRET
        --env
        HOME=/home/a
        --env-file
        e
        --cap-add
        SYS_ADMIN
        --security-opt
        apparmor=unconfined
        --security-opt
        seccomp=unconfined
        --stop-timeout
        20
        --network=none
        m:latest
        ls
        -l
        ");
        assert_eq!(Run { image: "m".to_owned(), ..Run::default() }.arguments(), ["run", "--interactive", "m"]);
        let detached = Run { image: "m".to_owned(), terminal: Terminal::Detached, ..Run::default() };
        assert_eq!(detached.arguments(), ["run", "--detach", "m"]);
    }
}
