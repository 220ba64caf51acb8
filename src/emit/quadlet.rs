//! Quadlet: units of which podman's generator makes systemd services. Keys as podman 4.6 has them.

use std::fmt::Write as _;

use super::text::{duration, seconds};
use super::{Exposure, MOUNT_CAPABILITY, MOUNT_SECURITY, Outside, OutsideHealth, published};

/// systemd waits longer than podman, so that it is podman who ends a machine that hangs.
const SLACK: u64 = 10;

/// The files of a machine, for `/etc/containers/systemd` or `~/.config/containers/systemd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quadlet {
    /// Names and texts: `NAME.container`, and `NAME.volume` where the machine has a volume.
    pub files: Vec<(String, String)>,
    /// What its reader should know, a sentence each.
    pub notes: Vec<String>,
}

/// Quadlet's files for a machine. They are made whole; own settings go into drop-ins (`NAME.container.d/*.conf`).
#[must_use]
pub fn quadlet(outside: &Outside, exposure: &Exposure) -> Quadlet {
    let name = outside.short_name();
    let mut notes = Vec::new();
    let mut files = vec![(format!("{name}.container"), container(outside, exposure, &mut notes))];
    if outside.volume.is_some() {
        let text = format!("{}[Volume]\nVolumeName={}\n", header(name), value(&outside.volume_name()));
        files.push((format!("{name}.volume"), text));
    }
    for secret in outside.secrets.keys() {
        notes.push(format!("give podman the secret: `podman secret create {secret} -`"));
    }
    Quadlet { files, notes }
}

fn header(name: &str) -> String {
    format!("# Made by `dumbc emit quadlet`, which writes it anew. Own settings go into {name}.container.d/*.conf.\n")
}

fn container(outside: &Outside, exposure: &Exposure, notes: &mut Vec<String>) -> String {
    let name = outside.short_name();
    let mut unit = Unit(header(name));
    unit.section("Unit");
    unit.key("Description", &format!("{} ({})", outside.hostname, outside.reference()));
    unit.section("Container");
    unit.key("Image", &local(&outside.reference()));
    unit.key("ContainerName", name);
    unit.key("HostName", &outside.hostname);
    if let Some(volume) = &outside.volume {
        unit.key("Volume", &format!("{name}.volume:{volume}"));
    }
    for port in published(outside.ports.iter().map(|port| port.number)) {
        unit.key("PublishPort", &exposure.publish(port));
    }
    for secret in outside.secrets.keys() {
        unit.key("Secret", &format!("{secret},type=env"));
    }
    if let Some(health) = &outside.health {
        health_of(&mut unit, health, outside.healthcheck(), notes);
    }
    let stop = seconds(outside.stop_time);
    let mut arguments = format!("--stop-signal={} --stop-timeout={stop}", outside.stop_signal);
    if outside.is_shell {
        arguments += " --interactive --tty";
    }
    if exposure.mounts {
        unit.key("AddCapability", MOUNT_CAPABILITY);
        for option in MOUNT_SECURITY {
            let _ = write!(arguments, " --security-opt={option}");
        }
    }
    // Keys of their own came with podman 5, and an older generator refuses a file with a key that it doesn't know.
    unit.key("PodmanArgs", &arguments);
    unit.section("Service");
    unit.key("Restart", if outside.is_shell { "no" } else { "always" });
    unit.key("TimeoutStopSec", &(stop + SLACK).to_string());
    unit.section("Install");
    unit.key("WantedBy", "multi-user.target default.target");
    unit.0
}

fn health_of(unit: &mut Unit, health: &OutsideHealth, command: Option<Vec<String>>, notes: &mut Vec<String>) {
    let Some(command) = command else {
        let what = health.http.as_deref().unwrap_or("a command");
        return notes.push(format!("there is no HealthCmd for {what}, which needs a program of the image's"));
    };
    // A list in JSON is run as it is; anything else goes through the image's shell.
    unit.key("HealthCmd", &serde_json::Value::from(command).to_string());
    unit.key("HealthInterval", &duration(health.interval));
    unit.key("HealthStartPeriod", &duration(health.grace));
    unit.key("HealthRetries", "3");
}

/// What `podman load` calls an image without a registry in its name.
fn local(reference: &str) -> String {
    let first = reference.split('/').next().unwrap_or_default();
    let is_host = reference.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    if is_host { reference.to_owned() } else { format!("localhost/{reference}") }
}

/// A value in which systemd puts nothing in.
fn value(text: &str) -> String {
    text.replace('%', "%%").replace('$', "$$").replace(['\n', '\r'], " ")
}

struct Unit(String);

impl Unit {
    fn section(&mut self, name: &str) {
        let _ = writeln!(self.0, "{}[{name}]", if self.0.ends_with("]\n") { "" } else { "\n" });
    }

    fn key(&mut self, name: &str, text: &str) {
        let _ = writeln!(self.0, "{name}={}", value(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::sample;

    #[test]
    fn a_machine_is_a_container_and_a_volume() {
        let made = quadlet(&sample::of(sample::FULL), &Exposure::default());
        let [(container, text), (volume, of_volume)] = &made.files[..] else { panic!("{made:?}") };
        assert_eq!((container.as_str(), volume.as_str()), ("lazycoder.container", "lazycoder.volume"));
        insta::assert_snapshot!(format!("{text}\n---\n{of_volume}"), @r#"
        # Made by `dumbc emit quadlet`, which writes it anew. Own settings go into lazycoder.container.d/*.conf.

        [Unit]
        Description=lazycoder (lazycoder:latest)

        [Container]
        Image=localhost/lazycoder:latest
        ContainerName=lazycoder
        HostName=lazycoder
        Volume=lazycoder.volume:/data
        PublishPort=127.0.0.1:8080:8080
        PublishPort=127.0.0.1:9090:9090
        PublishPort=127.0.0.1:10022:22
        Secret=DATABASE_URL,type=env
        Secret=TS_AUTHKEY,type=env
        HealthCmd=["/usr/bin/dumbc","machine","health","entrypoint"]
        HealthInterval=30s
        HealthStartPeriod=10s
        HealthRetries=3
        PodmanArgs=--stop-signal=SIGTERM --stop-timeout=70

        [Service]
        Restart=always
        TimeoutStopSec=80

        [Install]
        WantedBy=multi-user.target default.target

        ---
        # Made by `dumbc emit quadlet`, which writes it anew. Own settings go into lazycoder.container.d/*.conf.
        [Volume]
        VolumeName=lazycoder-data
        "#);
        assert_eq!(made.notes.len(), 2, "{:?}", made.notes);
    }

    #[test]
    fn commands_come_through_whole() {
        let system =
            sample::without_boot().replace("http = \"/healthz\"", "command = [\"sh\", \"-c\", 'echo \"50%\" $HOME']");
        let made = quadlet(&sample::of(&system), &Exposure { mounts: true, ..Exposure::default() });
        let text = &made.files[0].1;
        assert!(text.contains(r#"HealthCmd=["sh","-c","echo \"50%%\" $$HOME"]"#), "{text}");
        assert!(text.contains("\nAddCapability=SYS_ADMIN\nPodmanArgs=--stop-signal=SIGTERM --stop-timeout=20 --security-opt=apparmor=unconfined"), "{text}");
    }

    #[test]
    fn images_are_named_as_podman_names_them() {
        for (reference, expected) in [
            ("m:latest", "localhost/m:latest"),
            ("team/m:1", "localhost/team/m:1"),
            ("localhost/m:1", "localhost/m:1"),
            ("registry.example.org/m:1", "registry.example.org/m:1"),
        ] {
            assert_eq!(local(reference), expected);
        }
    }
}
