//! `dumbc shell`: enters a machine as one of its users.

use crate::machine::shell;

/// Enter this machine as a user, as if by logging in
///
/// The user's groups, home, packages and variables are there, and a terminal stays one. Only root may enter as somebody else.
#[derive(clap::Args)]
#[command(after_help = "Examples, from outside of the machine:\n  \
    docker exec -it CONTAINER dumbc shell alice\n  \
    docker exec CONTAINER dumbc shell alice -- git status\n  \
    fly ssh console --pty -C \"dumbc shell alice\"")]
pub(super) struct Args {
    /// Login name
    #[arg(value_name = "USER")]
    user: String,
    /// Run this instead of the login shell
    #[arg(value_name = "COMMAND", last = true)]
    command: Vec<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    Err(shell::enter(&args.user, &args.command).into())
}
