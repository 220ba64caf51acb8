//! `dumbc init`: a first set of files.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;

use crate::channel::debian::Distribution;
use crate::config::{self, ConfigFile};
use crate::failure::Class;

use super::Context;
use super::failure::Failure;
use super::scaffold::{NIXOS_RELEASE, Start};

/// Arguments of `dumbc init`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  dumbc init\n  dumbc init my-machine && dumbc -C my-machine check\n  \
    dumbc init --channel nixos-unstable\n\n\
    Writes system.toml, users.toml, home.toml, .gitignore, and .dumbc/*.schema.json, from which editors \
    complete. Files that are there already are never overwritten.")]
pub(super) struct Args {
    /// The project's folder, made where it is missing; by default that of -C
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,

    /// The image's name; by default the folder's
    #[arg(long)]
    name: Option<String>,

    /// Where packages come from: `debian`, or a NixOS release such as `nixos-26.05`. By default the Debian or Ubuntu archive that
    /// this machine's apt has, written down for other machines; without apt, a NixOS release
    #[arg(long, value_name = "CHANNEL", value_parser = channel)]
    channel: Option<String>,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let folder = args.folder.as_ref().map_or_else(|| context.directory.clone(), |given| context.directory.join(given));
    let name = args.name.clone().unwrap_or_else(|| image_name(&folder));
    let files = scaffold(&name, &start(args.channel.as_deref(), context))?;
    refuse_to_overwrite(&folder, &files)?;
    let mut written = Vec::new();
    for (path, text) in &files {
        let target = folder.join(path);
        if target.symlink_metadata().is_ok() {
            context.progress.note(&format!("kept {path}, which was there"));
            continue;
        }
        write_new(&target, text).with_context(|| format!("can't write `{}`", target.display()))?;
        written.push(path);
    }
    if context.json {
        return context.document(&json!({ "version": 1, "folder": folder, "written": written }));
    }
    for path in written {
        context.line(format!("wrote {path}"))?;
    }
    context.progress.note("next: look through system.toml, then `dumbc check` and `dumbc build`");
    Ok(())
}

/// `debian`, or the name of a NixOS release.
fn channel(text: &str) -> Result<String, String> {
    let is_release = text.strip_prefix("nixos-").is_some_and(|release| {
        !release.is_empty() && release.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
    });
    let known = text == "debian" || is_release;
    if known { Ok(text.to_owned()) } else { Err("it is `debian`, or a release such as `nixos-26.05`".to_owned()) }
}

/// What is asked for, else what this machine has.
fn start(channel: Option<&str>, context: &Context) -> Start {
    if let Some(release) = channel.filter(|channel| *channel != "debian") {
        return Start::Nixos(release.to_owned());
    }
    let found = Distribution::of_this_machine().unwrap_or_else(|error| {
        context.progress.warn(&format!("this machine's apt can't be asked for its archive: {error}"));
        None
    });
    match (found, channel) {
        (Some(found), _) => Start::Debian(Some(found)),
        (None, None) => Start::Nixos(NIXOS_RELEASE.to_owned()),
        (None, Some(_)) => {
            context.progress.note("there is no apt here to ask: name a mirror and a keyring in system.toml");
            Start::Debian(None)
        }
    }
}

/// Every file, by its path below the project's folder.
fn scaffold(name: &str, start: &Start) -> anyhow::Result<Vec<(String, String)>> {
    let files = start.files(name)?;
    let sources = config::Sources { system: Some(format!("[image]\nname = {}", json!(name))), ..Default::default() };
    if config::parse(&sources).machine.is_none() {
        return Err(Failure::new(Class::Usage, format!("`{name}` can't be an image's name"))
            .help("--name takes lower case letters and digits, with single `-`, `_` or `.` between")
            .into());
    }
    Ok(files)
}

/// The three files are the user's; `.gitignore` and the schemas may be there.
fn refuse_to_overwrite(folder: &Path, files: &[(String, String)]) -> anyhow::Result<()> {
    let ours = files
        .iter()
        .map(|(path, _)| path.as_str())
        .filter(|path| ConfigFile::ALL.iter().any(|file| file.file_name() == *path));
    let there: Vec<_> = ours.filter(|path| folder.join(path).symlink_metadata().is_ok()).collect();
    if there.is_empty() {
        return Ok(());
    }
    let message = format!("there is a {} in `{}` already", there.join(" and a "), folder.display());
    Err(Failure::new(Class::Usage, message).help("nothing was written; name another folder: dumbc init DIR").into())
}

/// Whole or not at all, and never over another file.
pub(super) fn write_new(target: &Path, text: &str) -> std::io::Result<()> {
    let folder = target.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = new_file(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist_noclobber(target).map(drop).map_err(|error| error.error)
}

/// With the permissions that any new file has.
fn new_file(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt as _;
    tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o666)).tempfile_in(folder)
}

/// The folder's name as an image can have it.
pub(super) fn image_name(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let words = name.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit())).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("-");
    if name.is_empty() { "machine".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::progress::Narrator;

    fn context(folder: &Path) -> Context {
        Context::new(folder.to_owned(), false, Narrator::new(true, false, false))
    }

    #[test]
    fn what_is_written_passes_the_check() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        for channel in [None, Some("debian".to_owned()), Some("nixos-26.05".to_owned())] {
            let name = channel.clone().unwrap_or_else(|| "My_Machine".to_owned());
            run(&Args { folder: Some(name.clone().into()), name: None, channel }, &context(folder.path()))?;
            let loaded = config::load(&folder.path().join(&name));
            assert_eq!(loaded.diagnostics, []);
            assert_eq!(loaded.machine.map(|machine| machine.image.name), Some(image_name(Path::new(&name))));
        }
        assert_eq!(image_name(Path::new("/a/My_Machine")), "my-machine");
        Ok(())
    }

    #[test]
    fn channels_by_name() {
        for good in ["debian", "nixos-26.05", "nixos-unstable", "nixos-unstable-small"] {
            assert_eq!(channel(good), Ok(good.to_owned()));
        }
        for bad in ["", "bookworm", "nixos-", "nixos-2\"6", "nixpkgs/unstable"] {
            assert!(channel(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn files_that_are_there_stay() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("users.toml"), "# mine")?;
        let refused = run(&Args { folder: None, name: None, channel: None }, &context(folder.path()));
        assert!(refused.is_err_and(|error| error.to_string().contains("users.toml")));
        assert!(!folder.path().join("system.toml").exists());
        assert_eq!(std::fs::read_to_string(folder.path().join("users.toml"))?, "# mine");
        Ok(())
    }
}
