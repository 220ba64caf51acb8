//! How a machine is, as people read it.

use std::fmt::Write as _;

use crate::machine::supervisor::control::{Status, UnitStatus, UserStatus};

/// Text of several lines. With `all`, the boot's steps, too.
pub(super) fn render(status: &Status, all: bool) -> String {
    let mut text = format!("{}, up {}", status.image, span(status.uptime));
    if status.stopping {
        text.push_str(", stopping");
    }
    text.push('\n');
    if all {
        let steps: Vec<String> =
            status.steps.iter().map(|step| format!("{} {} ms", step.name, step.microseconds.div_ceil(1000))).collect();
        let _ = writeln!(text, "boot: {}; store: {}", steps.join(", "), status.store);
    }
    for warning in &status.warnings {
        let _ = writeln!(text, "warning: {}", warning.message);
        if let Some(help) = &warning.help {
            let _ = writeln!(text, "  help: {help}");
        }
    }
    let width = |of: fn(&UnitStatus) -> usize| status.units.iter().map(of).max().unwrap_or(0);
    let (names, users) = (width(|unit| unit.name.len()), width(|unit| unit.user.len()));
    for unit in &status.units {
        let _ = writeln!(text, "{:<names$}  {:<users$}  {:<10}  {}", unit.name, unit.user, unit.state, details(unit));
    }
    status.users.iter().for_each(|user| user_lines(&mut text, user));
    let lines = text.lines().map(|line| line.trim_end().chars().map(plain).collect::<String>() + "\n");
    lines.collect()
}

fn details(unit: &UnitStatus) -> String {
    let mut details = vec![span(unit.since)];
    details.extend(unit.pid.map(|pid| format!("pid {pid}")));
    if unit.restarts > 0 {
        details.push(format!("started again {} times", unit.restarts));
    }
    details.extend(unit.last.as_ref().filter(|_| unit.why.is_none()).map(|last| format!("last: {last}")));
    details.extend(unit.health.clone().filter(|health| health != "unknown"));
    details.extend(unit.says.as_ref().map(|says| format!("\"{says}\"")));
    details.extend(unit.why.clone());
    details.join(", ")
}

fn user_lines(text: &mut String, user: &UserStatus) {
    let _ = writeln!(text, "home of {}: generation {}", user.name, user.generation);
    if let Some(why) = &user.left_out {
        let _ = writeln!(text, "  left out: {why}");
    }
    for file in &user.skipped {
        let _ = writeln!(text, "  in the way: {file}");
    }
}

/// `3 d 4 h`, `5 min`, `12 s`
fn span(millis: u64) -> String {
    match millis / 1000 {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds if seconds < 7200 => format!("{} min", seconds / 60),
        seconds if seconds < 172_800 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        seconds => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// What units say of themselves must not steer the terminal.
fn plain(character: char) -> char {
    if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_lines() {
        let status = serde_json::from_value(serde_json::json!({
            "version": 1, "image": "m:latest", "uptime": 7_500_000, "stopping": false, "store": "links",
            "steps": [{"name": "store", "microseconds": 1500}, {"name": "homes", "microseconds": 300}],
            "warnings": [{"message": "no volume", "help": "mount one"}],
            "units": [
                {"name": "sync@alice", "user": "alice", "state": "down", "since": 61_000, "restarts": 14,
                 "last": "exit code 3", "why": "gave up after 15 starts"},
                {"name": "web", "user": "root", "state": "running", "pid": 7, "since": 0, "restarts": 0, "health": "well",
                 "says": "ready\u{1b}[31m"}],
            "users": [{"name": "alice", "generation": "3", "skipped": [".bashrc"]}]
        }));
        insta::assert_snapshot!(render(&status.unwrap(), true), @r#"
        m:latest, up 2 h 5 min
        boot: store 2 ms, homes 1 ms; store: links
        warning: no volume
          help: mount one
        sync@alice  alice  down        61 s, started again 14 times, gave up after 15 starts
        web         root   running     0 s, pid 7, well, "ready�[31m"
        home of alice: generation 3
          in the way: .bashrc
        "#);
        assert_eq!(span(200_000_000), "2 d 7 h");
    }
}
