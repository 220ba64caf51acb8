//! `packages` of a project's files, edited together with dumbc.lock: both are written, or none.

mod pair;

use serde::Serialize;

use crate::channel::{Changes, LOCK_FILE, Lock, Mode, Resolution};
use crate::config::{self, ConfigFile, Edited, Machine, PackageList, nearest};
use crate::failure::Class;
use crate::machine::rebuild::read_plan;

use super::context::Context;
use super::failure::Failure;
use super::figures::bytes;
use super::{changes, locking, packages};
use pair::Pair;

/// Which file, and how.
#[derive(clap::Args)]
#[group(id = "editing")]
pub(super) struct Args {
    /// In `[NAME.home]` of users.toml: that user's own
    #[arg(long, value_name = "NAME", conflicts_with = "home")]
    user: Option<String>,
    /// In home.toml: what every user has
    #[arg(long)]
    home: bool,
    /// Tell what would change, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    locking: locking::Args,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    /// Whether the files were written.
    written: bool,
    file: &'static str,
    added: &'a [String],
    replaced: Vec<Replaced<'a>>,
    removed: &'a [String],
    changes: &'a Changes,
}

#[derive(Serialize)]
struct Replaced<'a> {
    from: &'a str,
    to: &'a str,
}

impl Args {
    /// Whether there is a project here; `false` inside a machine without one.
    pub(super) fn is_for_project(&self, context: &Context) -> anyhow::Result<bool> {
        if context.directory.join(ConfigFile::System.file_name()).exists() {
            return Ok(true);
        }
        let message = if read_plan()?.is_none() {
            "there is no system.toml here"
        } else if self.user.is_some() || self.home || self.dry_run {
            "--user, --home and --dry-run are for a project's files, and there is no system.toml here"
        } else {
            return Ok(false);
        };
        let help = "go to the project's folder, or name it with -C; `dumbc init` writes a first one";
        Err(Failure::new(Class::Usage, message).help(help).into())
    }

    /// Adds requests to the file.
    pub(super) fn add(&self, requests: &[String], context: &Context) -> anyhow::Result<()> {
        self.edit(context, |text, list| config::add(text, list, requests))
    }

    /// Takes requests out of it.
    pub(super) fn remove(&self, names: &[String], context: &Context) -> anyhow::Result<()> {
        self.edit(context, |text, list| config::remove(text, list, names))
    }

    fn edit(
        &self,
        context: &Context,
        change: impl FnOnce(&str, PackageList<'_>) -> Result<Edited, config::EditError>,
    ) -> anyhow::Result<()> {
        // What may be wrong is drawn once, of the files as they shall be.
        let (machine, _) = config::load(&context.directory).into_machine()?;
        let file = self.file();
        let tables = self.tables(&machine)?;
        let before = config::read_text(&context.directory, file)?;
        let list = PackageList { tables: &tables, default_channel: machine.default_channel.as_deref() };
        let edited = change(before.as_deref().unwrap_or_default(), list)
            .map_err(|error| Failure::new(Class::Usage, format!("{}: {error}", file.file_name())))?;
        self.refuse_missing(&edited, &machine)?;
        let machine = context.check(config::load_edited(&context.directory, file, &edited.text))?.machine;
        let resolution = locking::resolve_machine(context, &machine, &Mode::Extend, &self.locking)?;
        let written = !self.dry_run && write(context, file, before.as_deref(), &edited, &resolution.lock)?;
        self.tell(context, &edited, &resolution, written)
    }

    fn file(&self) -> ConfigFile {
        match (&self.user, self.home) {
            (Some(_), _) => ConfigFile::Users,
            (None, true) => ConfigFile::Home,
            (None, false) => ConfigFile::System,
        }
    }

    /// The tables above `packages`.
    fn tables(&self, machine: &Machine) -> anyhow::Result<Vec<&str>> {
        let Some(user) = &self.user else { return Ok(Vec::new()) };
        if machine.users.contains_key(user) {
            return Ok(vec![user, "home"]);
        }
        let failure = Failure::new(Class::Usage, format!("users.toml has no user `{user}`"));
        let near = nearest(user, machine.users.keys().map(String::as_str));
        let help = near.map_or_else(
            || format!("add `[{user}]` with a `uid` to users.toml"),
            |near| format!("did you mean `{near}`?"),
        );
        Err(failure.help(help).into())
    }

    /// What was to be removed and is not there is an error, with what may have been meant.
    fn refuse_missing(&self, edited: &Edited, machine: &Machine) -> anyhow::Result<()> {
        let Some((name, _)) = edited.missing.first() else { return Ok(()) };
        let place = self.place();
        let failure = Failure::new(Class::UnknownName, format!("{place} has no {}", packages::missing(edited)));
        let help = elsewhere(name, machine).filter(|other| *other != place).map_or_else(
            || "nothing is written; `packages` has only what was asked for by name".to_owned(),
            |other| format!("`{name}` stands in {other}"),
        );
        Err(failure.help(help).into())
    }

    fn place(&self) -> String {
        match &self.user {
            Some(user) => format!("`[{user}.home]` of users.toml"),
            None => self.file().file_name().to_owned(),
        }
    }

    fn tell(&self, context: &Context, edited: &Edited, resolution: &Resolution, written: bool) -> anyhow::Result<()> {
        let Edited { added, replaced, removed, .. } = edited;
        let Resolution { changes, .. } = resolution;
        if context.json {
            let file = self.file().file_name();
            let replaced = replaced.iter().map(|(from, to)| Replaced { from, to }).collect();
            return context.document(&Report { version: 1, written, file, added, replaced, removed, changes });
        }
        let place = self.place();
        for (old, new) in replaced {
            context.progress.note(&format!("`{new}` takes the place of `{old}` in {place}"));
        }
        if !edited.is_change() {
            context.progress.note(&format!("{place} has them already"));
        }
        context.text(changes::text(changes))?;
        let file = self.file().file_name();
        context.progress.note(&match (written, self.dry_run) {
            (true, _) if edited.is_change() => format!("{file} and {LOCK_FILE} are written: {}", difference(changes)),
            (true, _) => format!("{LOCK_FILE} is written"),
            (false, true) => format!("nothing is written; it would be {}", difference(changes)),
            (false, false) => format!("{file} and {LOCK_FILE} are as they were"),
        });
        Ok(())
    }
}

/// The list in which a package stands.
fn elsewhere(name: &str, machine: &Machine) -> Option<String> {
    let has = |place: &str, text: Option<&str>| {
        let text = text?;
        let names = [name.to_owned()];
        let found = config::remove(text, PackageList::TOP, &names).is_ok_and(|edited| edited.is_change());
        found.then(|| place.to_owned())
    };
    let text = |file: ConfigFile| config::read_text(&machine.project, file).ok().flatten();
    let of_user = |user: &String, text: &str| {
        let list = PackageList { tables: &[user, "home"], default_channel: None };
        let found = config::remove(text, list, &[name.to_owned()]).is_ok_and(|edited| edited.is_change());
        found.then(|| format!("`[{user}.home]` of users.toml: --user {user}"))
    };
    has("system.toml", text(ConfigFile::System).as_deref())
        .or_else(|| has("home.toml: --home", text(ConfigFile::Home).as_deref()))
        .or_else(|| {
            let users = text(ConfigFile::Users)?;
            machine.users.keys().find_map(|user| of_user(user, &users))
        })
}

/// How much larger the image's packages are, in words.
fn difference(changes: &Changes) -> String {
    let (before, after) = (changes.total.before, changes.total.after);
    match after.abs_diff(before) {
        0 => "no bytes more or less".to_owned(),
        more if after > before => format!("{} more", bytes(more)),
        less => format!("{} less", bytes(less)),
    }
}

/// Writes the file and the lock, or neither.
fn write(
    context: &Context,
    file: ConfigFile,
    before: Option<&str>,
    edited: &Edited,
    lock: &Lock,
) -> anyhow::Result<bool> {
    let path = context.directory.join(file.file_name());
    // It may be a link to where it is kept: the link stays.
    let path = std::fs::canonicalize(&path).unwrap_or(path);
    let lock_path = context.directory.join(LOCK_FILE);
    let text = edited.is_change().then_some(edited.text.as_str());
    let pair = Pair::prepare(path.clone(), before, text, (lock, &lock_path))?;
    // Whoever has edited the file meanwhile keeps that.
    if text.is_some() && config::read_text(&context.directory, file)?.as_deref() != before {
        let message = format!("{} was changed meanwhile: nothing is written", path.display());
        return Err(Failure::new(Class::Other, message).help("run the command again").into());
    }
    Ok(pair.commit()?)
}
