//! `dumbc home`: what homes are made of.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::boot::{HOMES_PATH, HomeBase, PLAN_PATH, PLAN_VERSION};
use crate::config::{Request, home_file};
use crate::failure::Class;
use crate::home::generation::{self, Names};
use crate::home::merge::{Layer, Merged, merge};
use crate::home::show;
use crate::machine::plan::read_plan;
use crate::machine::rebuild::surroundings;

use super::Context;
use super::failure::Failure;
use super::home_verbs;

/// Longer files are refused.
const LONGEST: u64 = 4 << 20;
/// A home's own file, below the home.
const OWN_FILE: &str = ".config/dumbc/home.toml";

/// See homes of users, and bring them to another generation
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Show(Show),
    #[command(flatten)]
    Inside(home_verbs::Verb),
}

/// Print a user's merged home, and where every value comes from
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  dumbc home show alice\n  dumbc home show alice --json\n\n\
    Beside a system.toml it reads the project's files: home.toml, and over it the user's table in users.toml. In a running \
    machine it reads what the image was made of, and over it the user's own ~/.config/dumbc/home.toml. No package is needed.")]
struct Show {
    /// Login name
    user: String,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    match &args.command {
        Command::Show(args) => show_home(args, context),
        Command::Inside(verb) => home_verbs::run(verb, context),
    }
}

fn show_home(args: &Show, context: &Context) -> anyhow::Result<()> {
    let merged = merged(&args.user, context)?;
    if context.json {
        return context.document(&show::as_document(&merged));
    }
    context.text(show::as_toml(&merged))
}

/// Where there is a project, its home; else that of the machine that runs here.
#[cfg(feature = "build")]
fn merged(user: &str, context: &Context) -> anyhow::Result<Merged> {
    let inside = !context.directory.join("system.toml").exists() && Path::new(PLAN_PATH).exists();
    if inside { of_machine(user, context) } else { super::project::home_of(user, context) }
}

/// A machine's own program knows of no projects.
#[cfg(not(feature = "build"))]
fn merged(user: &str, context: &Context) -> anyhow::Result<Merged> {
    of_machine(user, context)
}

/// There is no such user.
pub(super) fn unknown<'a>(user: &str, place: &str, known: impl Iterator<Item = &'a String>) -> anyhow::Error {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let help = if known.is_empty() { "there are none".to_owned() } else { format!("users are {}", known.join(", ")) };
    Failure::new(Class::Usage, format!("{place} has no user `{user}`")).help(help).into()
}

/// What the image keeps, and the user's own file over it.
fn of_machine(user: &str, context: &Context) -> anyhow::Result<Merged> {
    let plan = read_plan(Path::new(PLAN_PATH))?;
    let account = plan.users.get(user).map(|user| &user.account);
    let account = account.ok_or_else(|| unknown(user, "the machine", plan.users.keys()))?;
    let base: HomeBase = document(&Path::new(HOMES_PATH).join(format!("{user}.json")))?;
    if base.version != PLAN_VERSION {
        let message = format!("the home's base has version {}, and only {PLAN_VERSION} is known", base.version);
        return Err(Failure::new(Class::Usage, message).into());
    }
    let mut layers: Vec<Layer> = base.layers.iter().map(Layer::of_base).collect();
    let path = Path::new(&account.home).join(OWN_FILE);
    if let Some(text) = read(&path)? {
        let shared = merge(&layers).to_home();
        let folder = path.parent().map(PathBuf::from).unwrap_or_default();
        let around = surroundings(&plan, &base, &folder, &shared);
        let (home, findings) = home_file(&text, &path.display().to_string(), around);
        let home = home.ok_or_else(|| Failure::diagnosed(Class::Usage, findings.clone()))?;
        context.diagnose(&findings);
        layers.push(Layer::of_home(&path.display().to_string(), &home));
    }
    let merged = merge(&layers);
    let names = Names {
        requested: base.packages.keys().filter_map(|text| Request::parse(text, None).ok()).collect(),
        default_channel: plan.default_channel.as_deref(),
        debian_default: plan.has_debian_default(),
    };
    context.diagnose(&generation::check_home(user, &merged, &names));
    Ok(merged)
}

fn document<T: serde::de::DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = read(path)?.with_context(|| format!("there is no {}", path.display()))?;
    serde_json::from_slice(text.as_bytes()).with_context(|| format!("can't read {}", path.display()))
}

/// `None` where there is no such file.
fn read(path: &Path) -> anyhow::Result<Option<String>> {
    use std::io::Read as _;
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("can't read {}", path.display())),
    };
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).with_context(|| format!("can't read {}", path.display()))?;
    Ok(Some(text))
}
