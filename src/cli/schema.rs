//! `dumbc schema`: what editors and the manual know of the three files.

use crate::boot::BootPlan;
use crate::config::{self, ConfigFile};

use super::Context;

/// Arguments of `dumbc schema`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  dumbc schema system > system.schema.json\n  dumbc schema --markdown > configuration.md\n\n\
    Editors with a TOML language server (taplo, Even Better TOML) complete with it where a file's \
    first line is `#:schema ./.dumbc/system.schema.json`. `dumbc init` writes files with that line."
)]
pub(super) struct Args {
    /// The file whose JSON Schema is printed
    #[arg(value_enum, required_unless_present = "markdown")]
    file: Option<File>,

    /// Print the manual of the three files instead, as Markdown
    #[arg(long, conflicts_with = "file")]
    markdown: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum File {
    /// system.toml
    System,
    /// users.toml
    Users,
    /// home.toml
    Home,
    /// The boot plan, /etc/dumbc/boot.json of an image
    Boot,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let Some(file) = args.file else { return context.text(config::reference()) };
    let file = match file {
        File::System => ConfigFile::System,
        File::Users => ConfigFile::Users,
        File::Home => ConfigFile::Home,
        File::Boot => return context.document(&config::schema_of::<BootPlan>()),
    };
    context.document(&config::schema(file))
}
