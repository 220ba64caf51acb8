//! A Compose file: what `docker compose up` runs.

use super::text::{duration, quoted, seconds};
use super::{Emitted, Exposure, MOUNT_CAPABILITY, MOUNT_SECURITY, Outside, OutsideHealth, published};

/// A Compose file for a machine. It is made whole; own settings go into compose.override.yaml beside it.
#[must_use]
pub fn compose(outside: &Outside, exposure: &Exposure) -> Emitted {
    let mut yaml = Yaml::default();
    let mut notes = Vec::new();
    yaml.line(0, "# Made by `dumbc emit compose`, which writes it anew. Own settings go into compose.override.yaml.");
    yaml.value(0, "name", &outside.short_name().replace('.', "-"));
    yaml.line(0, "services:");
    yaml.line(1, "machine:");
    yaml.value(2, "image", &outside.reference());
    yaml.value(2, "hostname", &outside.hostname);
    yaml.line(2, if outside.is_shell { "restart: \"no\"" } else { "restart: unless-stopped" });
    if outside.is_shell {
        yaml.line(2, "stdin_open: true");
        yaml.line(2, "tty: true");
    }
    yaml.value(2, "stop_signal", &outside.stop_signal);
    yaml.line(2, format!("stop_grace_period: {}s", seconds(outside.stop_time)));
    contents(&mut yaml, outside, exposure);
    if let Some(health) = &outside.health {
        healthcheck(&mut yaml, health, outside.healthcheck(), &mut notes);
    }
    if exposure.mounts {
        yaml.line(2, format!("cap_add: [{MOUNT_CAPABILITY}]"));
        yaml.line(
            2,
            format!("security_opt: [{}]", MOUNT_SECURITY.map(|option| quoted(&option.replace('=', ":"))).join(", ")),
        );
    }
    if outside.volume.is_some() {
        yaml.line(0, "volumes:");
        yaml.line(1, "data:");
        yaml.value(2, "name", &outside.volume_name());
    }
    if !outside.secrets.is_empty() {
        let names = outside.secrets.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        notes.push(format!("{names}: set in the environment of `docker compose`, or in .env beside the file"));
    }
    Emitted { text: yaml.0, notes }
}

fn contents(yaml: &mut Yaml, outside: &Outside, exposure: &Exposure) {
    if let Some(volume) = &outside.volume {
        yaml.line(2, "volumes:");
        yaml.item(3, &format!("data:{volume}"));
    }
    if !outside.ports.is_empty() {
        yaml.line(2, "ports:");
        for port in published(outside.ports.iter().map(|port| port.number)) {
            yaml.item(3, &exposure.publish(port));
        }
    }
    if !outside.secrets.is_empty() {
        yaml.line(2, "environment:");
        for (name, of) in &outside.secrets {
            let units = of.units.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            yaml.line(3, format!("{name}: \"${{{name}:?for {units}}}\""));
        }
    }
}

fn healthcheck(yaml: &mut Yaml, health: &OutsideHealth, command: Option<Vec<String>>, notes: &mut Vec<String>) {
    let Some(command) = command else {
        let what = health.http.as_deref().unwrap_or("a command");
        return notes.push(format!("there is no healthcheck for {what}, which needs a program of the image's"));
    };
    let words = std::iter::once("CMD").chain(command.iter().map(String::as_str));
    yaml.line(2, "healthcheck:");
    yaml.line(3, format!("test: [{}]", words.map(|word| quoted(&escaped(word))).collect::<Vec<_>>().join(", ")));
    yaml.line(3, format!("interval: {}", duration(health.interval)));
    yaml.line(3, format!("start_period: {}", duration(health.grace)));
    yaml.line(3, "retries: 3");
}

/// Compose puts variables in where it sees a dollar sign.
fn escaped(text: &str) -> String {
    text.replace('$', "$$")
}

/// Lines of YAML. Strings stand in double quotes, which YAML reads as JSON does.
#[derive(Default)]
struct Yaml(String);

impl Yaml {
    fn line(&mut self, depth: usize, text: impl AsRef<str>) {
        self.0.extend(std::iter::repeat_n("  ", depth));
        self.0.push_str(text.as_ref());
        self.0.push('\n');
    }

    fn value(&mut self, depth: usize, key: &str, value: &str) {
        self.line(depth, format!("{key}: {}", quoted(&escaped(value))));
    }

    fn item(&mut self, depth: usize, value: &str) {
        self.line(depth, format!("- {}", quoted(&escaped(value))));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::emit::sample;

    fn parsed(text: &str) -> Value {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn a_machine_is_one_service() {
        let made = compose(&sample::of(sample::FULL), &Exposure::default());
        insta::assert_snapshot!(made.text, @r#"
        # Made by `dumbc emit compose`, which writes it anew. Own settings go into compose.override.yaml.
        name: "lazycoder"
        services:
          machine:
            image: "lazycoder:latest"
            hostname: "lazycoder"
            restart: unless-stopped
            stop_signal: "SIGTERM"
            stop_grace_period: 70s
            volumes:
              - "data:/data"
            ports:
              - "127.0.0.1:8080:8080"
              - "127.0.0.1:9090:9090"
              - "127.0.0.1:10022:22"
            environment:
              DATABASE_URL: "${DATABASE_URL:?for entrypoint, up}"
              TS_AUTHKEY: "${TS_AUTHKEY:?for up}"
            healthcheck:
              test: ["CMD", "/usr/bin/dumbc", "machine", "health", "entrypoint"]
              interval: 30s
              start_period: 10s
              retries: 3
        volumes:
          data:
            name: "lazycoder-data"
        "#);
        let document = parsed(&made.text);
        let machine = &document["services"]["machine"];
        assert_eq!(machine["ports"], json!(["127.0.0.1:8080:8080", "127.0.0.1:9090:9090", "127.0.0.1:10022:22"]));
        assert_eq!(machine["environment"]["TS_AUTHKEY"], "${TS_AUTHKEY:?for up}");
        assert_eq!(document["volumes"]["data"]["name"], "lazycoder-data");
    }

    #[test]
    fn a_shell_has_a_terminal_and_nothing_else() {
        let outside = sample::of(
            "[image]\nname = \"team/shell.x\"\n[entrypoint]\ncommand = [\"bash\"]\n[boot]\nenable = false\n",
        );
        let made = compose(&outside, &Exposure::default());
        insta::assert_snapshot!(made.text, @r#"
        # Made by `dumbc emit compose`, which writes it anew. Own settings go into compose.override.yaml.
        name: "shell-x"
        services:
          machine:
            image: "team/shell.x:latest"
            hostname: "shell-x"
            restart: "no"
            stdin_open: true
            tty: true
            stop_signal: "SIGTERM"
            stop_grace_period: 10s
        "#);
        assert_eq!(parsed(&made.text)["services"]["machine"]["restart"], "no");
    }

    #[test]
    fn commands_come_through_whole() {
        let system = sample::without_boot()
            .replace("http = \"/healthz\"", "command = [\"sh\", \"-c\", 'test \"$HOME\" = \"a: b\" # é']");
        let address = std::net::Ipv6Addr::UNSPECIFIED.into();
        let made = compose(&sample::of(&system), &Exposure { address, mounts: true });
        let machine = &parsed(&made.text)["services"]["machine"];
        assert_eq!(machine["healthcheck"]["test"], json!(["CMD", "sh", "-c", "test \"$$HOME\" = \"a: b\" # é"]));
        assert_eq!(machine["healthcheck"]["start_period"], "10s");
        assert_eq!(machine["ports"][0], "[::]:8080:8080");
        assert_eq!(machine["security_opt"], json!(["apparmor:unconfined", "seccomp:unconfined"]));
    }
}
