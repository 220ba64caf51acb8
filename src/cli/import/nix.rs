//! Nix files with literals: system.toml, users.toml and home.toml, where they are not there yet.

use anyhow::Context as _;
use serde_json::json;

use super::Args;
use super::input::Input;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::init::write_new;
use crate::config::{self, ConfigFile, Diagnostic, Sources};
use crate::failure::Class;
use crate::home::generation;
use crate::import::nix::{Converted, convert};

pub(super) fn run(args: &Args, inputs: &[Input], context: &Context) -> anyhow::Result<()> {
    let mut all: Vec<Converted> = Vec::new();
    for input in inputs {
        all.push(convert(&input.text, input.base_name(), &args.release)?);
    }
    refuse_collisions(&all, args, context)?;
    let findings = check(&all, args, context);
    let mut written = Vec::new();
    for converted in all.iter().filter(|_| !args.dry_run) {
        let name = converted.role.file_name();
        write_new(&context.directory.join(name), &converted.text).with_context(|| format!("can't write {name}"))?;
        written.push(name);
    }
    tell(&all, &findings, &written, args, context)
}

/// None of the files may be there, nor be meant twice.
fn refuse_collisions(all: &[Converted], args: &Args, context: &Context) -> anyhow::Result<()> {
    let refuse = |message: String, help: &str| Err(Failure::new(Class::Usage, message).help(help.to_owned()).into());
    for file in ConfigFile::ALL {
        let name = file.file_name();
        match all.iter().filter(|converted| converted.role == file).count() {
            0 => {}
            1 if args.dry_run || context.directory.join(name).symlink_metadata().is_err() => {}
            1 => {
                let help = "nothing was written; move it away, name another folder with -C, or look with --dry-run";
                return refuse(format!("there is a {name} already"), help);
            }
            _ => return refuse(format!("two files would become {name}"), "nothing was written; import one of them"),
        }
    }
    Ok(())
}

/// What our own checks say of the new files, beside those that are there.
fn check(all: &[Converted], args: &Args, context: &Context) -> Vec<Diagnostic> {
    let text = |file: ConfigFile| all.iter().find(|converted| converted.role == file).map(|found| found.text.clone());
    let mut changed =
        Sources { system: text(ConfigFile::System), users: text(ConfigFile::Users), home: text(ConfigFile::Home) };
    if changed.system.is_none() && context.directory.join("system.toml").symlink_metadata().is_err() {
        // A home alone is checked as one of a machine with nothing else.
        let stub = format!("[channels.nixpkgs]\nrelease = {}\n[image]\nname = \"x\"\n", json!(args.release));
        changed.system = Some(stub);
    }
    let loaded = config::load_with(&context.directory, &changed);
    let homes = loaded.machine.as_ref().map(generation::check).unwrap_or_default();
    loaded.diagnostics.into_iter().chain(homes).collect()
}

fn tell(
    all: &[Converted],
    findings: &[Diagnostic],
    written: &[&str],
    args: &Args,
    context: &Context,
) -> anyhow::Result<()> {
    if context.json {
        let files = all.iter().map(|converted| {
            json!({ "file": converted.role.file_name(), "text": converted.text, "skipped": converted.skipped })
        });
        let messages: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        let files: Vec<_> = files.collect();
        return context.document(&json!({ "version": 1, "written": written, "files": files, "findings": messages }));
    }
    for converted in all.iter().filter(|_| args.dry_run) {
        let name = converted.role.file_name();
        let before = crate::cli::emit::read(context.directory.join(name))?.unwrap_or_default();
        context.text(super::difference(name, &before, &converted.text))?;
    }
    context.diagnose(findings);
    for skipped in all.iter().flat_map(|converted| &converted.skipped) {
        context.progress.warn(&format!("not taken over, {}: {}", skipped.what, skipped.why));
    }
    for name in written {
        context.line(format!("wrote {name}"))?;
    }
    if !written.is_empty() {
        context.progress.note("next: look through the comments at the end of each file, then `dumbc check`");
    }
    Ok(())
}
