//! What people are told when they log in: files in [`crate::boot::RUN`] that `/etc/profile` prints.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};

use super::core::{Health, State, Unit};
use super::setup::Setup;

/// Skipped files that are named; of more, the number is told.
const NAMED: usize = 10;

/// The files as they are.
pub(super) struct Banners {
    run: PathBuf,
    written: BTreeMap<PathBuf, String>,
}

impl Banners {
    pub(super) fn new(run: &Path) -> Self {
        Self { run: run.to_owned(), written: BTreeMap::new() }
    }

    /// Writes what has changed.
    pub(super) fn tell(&mut self, setup: &Setup, units: &BTreeMap<String, Unit>) {
        self.write(self.run.join("banner"), of_machine(setup, units), 0o644, None);
        for (name, user) in &setup.plan.users {
            let text = of_user(setup, name, units);
            self.write(self.run.join("banners").join(name), text, 0o640, Some(user.account.uid));
        }
    }

    fn write(&mut self, path: PathBuf, text: String, mode: u32, owner: Option<u32>) {
        if self.written.get(&path) == Some(&text) {
            return;
        }
        // A banner that can't be written is one that nobody reads.
        let _ = replace(&path, &text, mode, owner);
        self.written.insert(path, text);
    }
}

fn replace(path: &Path, text: &str, mode: u32, owner: Option<u32>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let temporary = path.with_file_name(format!(".{}.new", path.file_name().unwrap_or_default().to_string_lossy()));
    fs::write(&temporary, text)?;
    fs::set_permissions(&temporary, fs::Permissions::from_mode(mode))?;
    if owner.is_some() {
        lchown(&temporary, owner, None)?;
    }
    fs::rename(&temporary, path)
}

fn has_failed(unit: &Unit) -> bool {
    let is_unwell = matches!(unit.health, Health::Failing(count) if count >= 3);
    is_unwell || unit.why().is_some() && unit.state != State::Down("ended by itself".to_owned())
}

fn failed(units: &BTreeMap<String, Unit>, of: impl Fn(&Unit) -> bool) -> Vec<&str> {
    units.values().filter(|unit| has_failed(unit) && of(unit)).map(|unit| unit.plan.name.as_str()).collect()
}

fn of_machine(setup: &Setup, units: &BTreeMap<String, Unit>) -> String {
    let mut text = format!("{}\n", setup.plan.image);
    let failed = failed(units, |unit| !unit.plan.of_home);
    if !failed.is_empty() {
        let _ = writeln!(text, "failed: {} (dumbc machine status)", failed.join(", "));
    }
    for (name, _) in setup.homes.iter().filter(|(_, home)| home.left_out.is_some()) {
        let _ = writeln!(text, "left out: {name} (dumbc machine status)");
    }
    text
}

fn of_user(setup: &Setup, name: &str, units: &BTreeMap<String, Unit>) -> String {
    let Some(home) = setup.homes.get(name) else { return String::new() };
    let mut text = format!("home: generation {}\n", home.generation);
    let failed = failed(units, |unit| unit.plan.of_home && unit.plan.account.name == name);
    if !failed.is_empty() {
        let _ = writeln!(text, "failed: {} (dumbc machine status)", failed.join(", "));
    }
    if !home.skipped.is_empty() {
        let named: Vec<&str> = home.skipped.iter().take(NAMED).map(String::as_str).collect();
        let more = home.skipped.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(text, "files of your own in the way: {}{more}", named.join(", "));
    }
    // Names of files are a user's to choose, and terminals obey what they print.
    text.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
