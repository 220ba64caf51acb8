//! `dumbc machine adopt`: a home on the volume for the user who has its name now.

use crate::boot::PLAN_PATH;
use crate::machine::adopt::{self, Adopted, Adoption};
use crate::machine::boot::Ground;
use crate::machine::plan::read_plan;

use super::context::Context;
use super::figures::counted;

/// Give a home on the volume to the user who has its name now
///
/// For a user whose number has changed, or a volume of another machine: what belonged to the home's former owner, in the home and in
/// kept paths of the user's, becomes the user's. Links are not followed; what belongs to others stays theirs.
#[derive(clap::Args)]
#[command(after_help = "Where the machine doesn't start without it:\n  \
    docker run --rm -v NAME:/data --entrypoint dumbc IMAGE machine adopt USER --yes")]
pub(super) struct Args {
    /// A declared user
    user: String,

    /// Do it; otherwise it is only told what would be done
    #[arg(long)]
    yes: bool,
}

#[derive(serde::Serialize)]
struct Document<'told> {
    version: u32,
    user: &'told str,
    former_uid: u32,
    uid: u32,
    paths: &'told [std::path::PathBuf],
    #[serde(skip_serializing_if = "Option::is_none")]
    adopted: Option<Adopted>,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let ground = Ground::system();
    let adoption = adopt::plan(&ground, &read_plan(&ground.at(PLAN_PATH))?, &args.user)?;
    let adopted = if args.yes && !adoption.is_done() { Some(adopt::adopt(&ground, &adoption)?) } else { None };
    if context.json {
        return document(&adoption, adopted, context);
    }
    let (name, uid) = (&adoption.account.name, adoption.account.uid);
    if adoption.is_done() {
        return context.line(format!("{} is {name}'s already", adoption.home().display()));
    }
    if let Some(Adopted { changed, others }) = adopted {
        let files = |number| counted(usize::try_from(number).unwrap_or(usize::MAX), "file");
        context.line(format!("gave {} to {name} ({uid}); left {} of others", files(changed), files(others)))?;
        return context.line(format!("{name}'s units run from the next start on"));
    }
    for path in &adoption.paths {
        context.line(format!("{}: from user {} to {name} ({uid})", path.display(), adoption.uid))?;
    }
    context.line("nothing is changed yet: say it again with --yes")
}

fn document(adoption: &Adoption, adopted: Option<Adopted>, context: &Context) -> anyhow::Result<()> {
    let (user, uid) = (adoption.account.name.as_str(), adoption.account.uid);
    context.document(&Document { version: 1, user, former_uid: adoption.uid, uid, paths: &adoption.paths, adopted })
}
