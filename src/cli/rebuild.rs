//! `dumbc rebuild`: a user's own home, inside the machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use serde::Serialize;

use crate::boot::{PLAN_PATH, PlanAccount, RUN};
use crate::failure::Class;
use crate::machine::activation::Report;
use crate::machine::process::{Session, command};
use crate::machine::rebuild::{
    Changes, Inside, Options, Outcome, OwnHome, Update, has_own, is_outdated, read_plan, rebuild, select,
};
use crate::machine::service::wire::{Answer, Request, Target};
use crate::machine::service::{Client, ClientError};

use super::context::Context;
use super::failure::Failure;
use super::figures::{bytes, counted};

#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
/// Make your home what ~/.config/dumbc/home.toml says, inside a machine
///
/// The file is on top of what the image gives: see `dumbc home show`. A file of your own in the way stops it before anything
/// is changed; interrupted, it leaves the home as it was or as it shall be.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    rebuild                        # after an edit of home.toml\n  \
    rebuild --update ripgrep       # its newest build\n  \
    rebuild --rollback             # the generation before")]
pub(super) struct Args {
    /// Say only what would change
    #[arg(long)]
    dry_run: bool,
    /// Ask no network for names
    #[arg(long)]
    offline: bool,
    /// Ask again for what is answered already: these requests, or all
    #[arg(long, value_name = "NAME", num_args = 0..)]
    update: Option<Vec<String>>,
    /// Files of your own in the way give way
    #[arg(long)]
    force: bool,
    /// Go back to the generation before
    #[arg(long, group = "other", conflicts_with_all = ["dry_run", "update"])]
    rollback: bool,
    /// Go to the generation with this number
    #[arg(long, value_name = "N", group = "other", conflicts_with_all = ["dry_run", "update"])]
    to: Option<u64>,
    /// Go to the home that the image gives; home.toml stays as it is
    #[arg(long, group = "other", conflicts_with_all = ["dry_run", "update"])]
    reset: bool,
    /// Show your generations
    #[arg(long, group = "other", conflicts_with_all = ["dry_run", "update"])]
    list: bool,
    /// Only if another image brings another home; what fails is a warning
    #[arg(long, hide = true)]
    background: bool,
    /// Whose home: for root
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Document<'a> {
    version: u32,
    dry_run: bool,
    number: Option<u64>,
    generation: String,
    changes: &'a Changes,
    activation: &'a Report,
    fetched_bytes: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Generations {
    version: u32,
    current: Option<u64>,
    image: String,
    #[serde(rename = "generations")]
    all: BTreeMap<u64, String>,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let target = match (args.to, args.rollback, args.reset) {
        (Some(number), ..) => Some(Target::Number(number)),
        (None, true, _) => Some(Target::Previous),
        (None, false, true) => Some(Target::Image),
        (None, false, false) => None,
    };
    let options = Options {
        dry_run: args.dry_run,
        offline: args.offline,
        update: args.update.clone().map_or(Update::Nothing, Update::Named),
        force: args.force,
    };
    if let Some(user) = &args.user {
        return as_user(user);
    }
    match target {
        Some(target) => {
            let inside = inside()?;
            let outcome = select(&inside, target, args.force, &*context.progress)?;
            reload(&inside.user);
            tell(&outcome, false, context)
        }
        None if args.list => list(context),
        None if args.background => background(&options, context),
        None => carry_out(&options, context),
    }
}

pub(super) fn inside() -> anyhow::Result<Inside> {
    Ok(Inside::of(rustix::process::getuid().as_raw())?)
}

/// Rebuilds the caller's home and tells what changed.
pub(super) fn carry_out(options: &Options, context: &Context) -> anyhow::Result<()> {
    let inside = inside()?;
    let outcome = rebuild(&inside, &OwnHome::new(&inside), options, &*context.progress)?;
    if !options.dry_run {
        reload(&inside.user);
    }
    tell(&outcome, options.dry_run, context)
}

/// What boot starts for users who have a home of their own: the home is the old one until this has ended well.
fn background(options: &Options, context: &Context) -> anyhow::Result<()> {
    let inside = inside()?;
    if !has_own(&inside) || !is_outdated(&inside) {
        return Ok(());
    }
    match rebuild(&inside, &OwnHome::new(&inside), options, &*context.progress) {
        Ok(outcome) => {
            reload(&inside.user);
            tell(&outcome, false, context)
        }
        Err(error) => {
            let message =
                format!("the home of {} is still that of before: {:#}", inside.user, anyhow::Error::from(error));
            context.progress.warn(&message);
            Ok(())
        }
    }
}

/// The daemons of the home follow; a machine that runs no supervisor has none.
fn reload(user: &str) {
    use std::io::{Read as _, Write as _};
    let asked = std::os::unix::net::UnixStream::connect(Path::new(RUN).join("control.sock")).and_then(|mut stream| {
        let timeout = Some(std::time::Duration::from_secs(10));
        stream.set_read_timeout(timeout)?;
        let mut text = serde_json::json!({ "reload-home": { "user": user } }).to_string();
        text.push('\n');
        stream.write_all(text.as_bytes())?;
        // It answers when it has read the new manifest.
        stream.read(&mut [0; 4096])
    });
    if let Err(error) = asked {
        tracing::debug!("nobody reloads the home of {user}: {error}");
    }
}

fn tell(outcome: &Outcome, dry_run: bool, context: &Context) -> anyhow::Result<()> {
    let Outcome { number, generation, changes, report, fetched } = outcome;
    if context.json {
        let generation = generation.to_string();
        let document = Document {
            version: 1,
            dry_run,
            number: *number,
            generation,
            changes,
            activation: report,
            fetched_bytes: *fetched,
        };
        return context.document(&document);
    }
    changes.lines().into_iter().try_for_each(|line| context.line(line))?;
    for skipped in &report.skipped {
        context.progress.warn(&format!("~/{}: {}", skipped.path, skipped.reason));
    }
    let what = match (dry_run, changes.is_empty(), number) {
        (true, true, _) => "nothing would change".to_owned(),
        (true, false, _) => "would change; nothing was".to_owned(),
        (false, _, Some(number)) => format!("generation {number} is live"),
        (false, _, None) => "the image's generation is live".to_owned(),
    };
    let files = report.linked.len() + report.replaced.len() + report.removed.len();
    context.line(format!("{what}; {} of the home, {} fetched", counted(files, "link"), bytes(*fetched)))
}

fn list(context: &Context) -> anyhow::Result<()> {
    let inside = inside()?;
    let mut client = Client::connect(&inside.run.join("store.sock"), &*context.progress)?;
    let Answer::Generations { all, current, image } = client.ask(&Request::List {}, &*context.progress)? else {
        return Err(ClientError::Unexpected.into());
    };
    if context.json {
        let all = all.into_iter().map(|(number, path)| (number, path.to_string())).collect();
        return context.document(&Generations { version: 1, current, image: image.to_string(), all });
    }
    let mark = |live: bool| if live { "*" } else { " " };
    context.line(format!("{} image  {image}", mark(current.is_none())))?;
    all.into_iter()
        .try_for_each(|(number, path)| context.line(format!("{} {number:>5}  {path}", mark(current == Some(number)))))
}

/// Root rebuilds as the user, and never reads the user's files itself.
fn as_user(name: &str) -> anyhow::Result<()> {
    let plan = read_plan()?
        .ok_or_else(|| Failure::new(Class::Usage, format!("{PLAN_PATH} is not there: this is no machine")))?;
    let user = plan.users.get(name);
    let user = user.ok_or_else(|| Failure::new(Class::Usage, format!("this machine has no user `{name}`")))?;
    if !rustix::process::geteuid().is_root() && rustix::process::getuid().as_raw() != user.account.uid {
        return Err(Failure::new(Class::Credentials, "only root rebuilds the homes of others").into());
    }
    let mut arguments = vec![plan.runtime.clone(), "rebuild".to_owned()];
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--user" => drop(rest.next()),
            "rebuild" => {}
            other if other.starts_with("--user=") => {}
            _ => arguments.push(argument),
        }
    }
    let mut child = command(&user.account, &arguments, &environment(&user.account, &plan.path), Session::Inherited);
    let status = child.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit()).status()?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(Class::Other, format!("the rebuild of {name} failed")).into())
}

fn environment(account: &PlanAccount, path: &[String]) -> BTreeMap<String, String> {
    let entry = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    BTreeMap::from([
        entry("HOME", &account.home),
        entry("USER", &account.name),
        entry("LOGNAME", &account.name),
        entry("PATH", &path.join(":")),
    ])
}
