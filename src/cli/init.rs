//! `dumbc init`: a first set of files.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;

use crate::config::{self, ConfigFile};
use crate::failure::Class;

use super::Context;
use super::failure::Failure;

const SYSTEM: &str = include_str!("scaffold/system.toml");
const USERS: &str = include_str!("scaffold/users.toml");
const HOME: &str = include_str!("scaffold/home.toml");
const GITIGNORE: &str = include_str!("scaffold/gitignore");

/// Arguments of `dumbc init`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  dumbc init\n  dumbc init my-machine && dumbc -C my-machine check\n\n\
    Writes system.toml, users.toml, home.toml, .gitignore, and .dumbc/*.schema.json, from which editors \
    complete. Files that are there already are never overwritten.")]
pub(super) struct Args {
    /// The project's folder, made where it is missing; by default that of -C
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,

    /// The image's name; by default the folder's
    #[arg(long)]
    name: Option<String>,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let folder = args.folder.as_ref().map_or_else(|| context.directory.clone(), |given| context.directory.join(given));
    let name = args.name.clone().unwrap_or_else(|| image_name(&folder));
    let files = scaffold(&name)?;
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
    context.progress.note("next: name packages and a channel in system.toml, then `dumbc check`");
    Ok(())
}

/// Every file, by its path below the project's folder.
fn scaffold(name: &str) -> anyhow::Result<Vec<(String, String)>> {
    let host: String = name.rsplit('/').next().unwrap_or_default().replace(['_', '.'], "-");
    let system = SYSTEM.replace("@NAME@", name).replace("@HOST@", &host);
    let mut files = vec![
        ("system.toml".to_owned(), system),
        ("users.toml".to_owned(), USERS.to_owned()),
        ("home.toml".to_owned(), HOME.to_owned()),
        (".gitignore".to_owned(), GITIGNORE.to_owned()),
    ];
    for file in ConfigFile::ALL {
        let path = format!(".dumbc/{}", file.file_name().replace(".toml", ".schema.json"));
        files.push((path, serde_json::to_string_pretty(&config::schema(file))? + "\n"));
    }
    let sources = config::Sources { system: Some(files[0].1.clone()), ..config::Sources::default() };
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
fn write_new(target: &Path, text: &str) -> std::io::Result<()> {
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
fn image_name(folder: &Path) -> String {
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
        run(&Args { folder: Some("My_Machine".into()), name: None }, &context(folder.path()))?;
        let loaded = config::load(&folder.path().join("My_Machine"));
        assert_eq!(loaded.diagnostics, []);
        assert_eq!(loaded.inactive, []);
        assert_eq!(loaded.machine.map(|machine| machine.image.name), Some("my-machine".to_owned()));
        Ok(())
    }

    #[test]
    fn commented_keys_are_right_when_they_are_uncommented() {
        for (file, text) in [(ConfigFile::System, SYSTEM), (ConfigFile::Users, USERS), (ConfigFile::Home, HOME)] {
            let is_code = |line: &str| line.contains('=') || line.starts_with('[') || line.starts_with("  \"");
            let uncommented: Vec<String> = text
                .replace("@NAME@", "box")
                .replace("@HOST@", "box")
                .lines()
                .map(|line| match line.trim_start().strip_prefix("# ") {
                    Some(code) if is_code(code) || code.starts_with('"') => code.to_owned(),
                    _ => line.to_owned(),
                })
                .collect();
            let text = Some(uncommented.join("\n"));
            let none = config::Sources { system: Some("image.name = \"box\"".to_owned()), ..Default::default() };
            let sources = match file {
                ConfigFile::System => config::Sources { system: text, ..none },
                ConfigFile::Users => config::Sources { users: text, ..none },
                ConfigFile::Home => config::Sources { home: text, ..none },
            };
            let errors: Vec<_> = config::parse(&sources)
                .diagnostics
                .into_iter()
                .filter(|finding| finding.severity == config::Severity::Error)
                .map(|finding| finding.message)
                .collect();
            // Names need a channel, which the commented home alone does not have.
            let expected: &[&str] = match file {
                ConfigFile::System | ConfigFile::Users => &[],
                ConfigFile::Home => &["no channel says where this name comes from"; 2],
            };
            assert_eq!(errors, expected, "{file:?}");
        }
    }

    #[test]
    fn files_that_are_there_stay() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("users.toml"), "# mine")?;
        let refused = run(&Args { folder: None, name: None }, &context(folder.path()));
        assert!(refused.is_err_and(|error| error.to_string().contains("users.toml")));
        assert!(!folder.path().join("system.toml").exists());
        assert_eq!(std::fs::read_to_string(folder.path().join("users.toml"))?, "# mine");
        Ok(())
    }
}
