//! Packages whose scripts can't be understood as they stand, by name: each row with its reason.

use super::super::{Action, Package};

/// What is known of a package, instead of its scripts.
pub(super) fn actions(package: &Package<'_>) -> Option<Vec<Action>> {
    let (command, reason) = match package.name.as_str() {
        "base-passwd" => ("update-passwd", "dumbc writes passwd and group, with Debian's static users and groups"),
        "tzdata" => ("tzdata", "dumbc sets the time zone: system.toml says which"),
        "locales" => ("locale-gen", "libc-bin brings C.UTF-8; package locales-all has all others, compiled"),
        // It links /bin/sh anew in many steps, and ends with the links that the package has.
        "dash" => return Some(dash()),
        _ => return None,
    };
    Some(vec![Action::Explained { command: command.to_owned(), reason }])
}

fn dash() -> Vec<Action> {
    let man = "/usr/share/man/man1";
    let shell = Action::Diversion { path: "/bin/sh".to_owned(), to: "/bin/sh.distrib".to_owned() };
    vec![shell, Action::Diversion { path: format!("{man}/sh.1.gz"), to: format!("{man}/sh.distrib.1.gz") }]
}

/// Packages whose doubts all come to the same, in one line; what they make below /etc on the way is left out.
const SUMMARIES: [(&str, &str); 1] = [
    // Its script asks for each setting, and joins the answers with alias, awk and sed.
    ("exim4-config", "writes /etc/exim4/update-exim4.conf.conf, /etc/mailname and /etc/aliases: bring your own"),
];

/// Folders that a package's service makes whenever it starts, and that its program needs, by the package's name.
const RUN_TIME: [(&str, &str); 1] = [
    // `RuntimeDirectory=` of its unit, and the init script's mkdir: sshd refuses to start without it.
    ("openssh-server", "/run/sshd"),
];

/// Adds what a package needs at run time and its scripts don't make.
pub(super) fn add_run_time(package: &Package<'_>, actions: &mut Vec<Action>) {
    for (_, path) in RUN_TIME.iter().filter(|(name, _)| *name == package.name.as_str()) {
        let path = (*path).to_owned();
        actions.push(Action::Directory { path, user: None, group: None, mode: Some(0o755) });
    }
}

/// Puts one doubt for all of a package's, if that is known to say it better.
pub(super) fn summarise(package: &Package<'_>, actions: &mut Vec<Action>) {
    let summary = SUMMARIES.iter().find(|(name, _)| *name == package.name.as_str());
    if let Some((_, text)) = summary {
        actions.retain(|action| !matches!(action, Action::Unknown { .. } | Action::File { .. } | Action::Copy { .. }));
        actions.push(Action::Unknown { script: "postinst".to_owned(), line: 1, text: (*text).to_owned() });
    }
}

/// Copies that a filter between hides, which changes nothing with the answers that nobody was asked for.
const COPIES: [(&str, &str, &str); 1] = [
    // `sed s/^ssl =.*/ssl = on/`, as it is already.
    (
        "postgresql-common",
        "/usr/share/postgresql-common/createcluster.conf",
        "/etc/postgresql-common/createcluster.conf",
    ),
];

/// What a package's script copies to `path` through a filter.
pub(super) fn origin(package: &Package<'_>, path: &str) -> Option<&'static str> {
    let row = COPIES.iter().find(|(name, _, to)| *name == package.name.as_str() && *to == path);
    row.map(|(_, from, _)| *from)
}
