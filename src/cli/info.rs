//! `dumbc info`: one package, at length.

use serde::Serialize;

use crate::channel::known::{Info, KnownOutput};
use crate::channel::sources;

use super::context::Context;
use super::figures::{Align, bytes, counted, table};
use super::known;

/// Show what a package is, where its outputs lie, and what it brings along
#[derive(clap::Args)]
#[command(after_help = "\
For a NixOS channel that asks Hydra for the store paths and the binary cache for the closure: seconds the first time.

Examples:
  dumbc info ripgrep
  dumbc info python3@3.12 --system aarch64-linux
  dumbc info unstable#git --json")]
pub(super) struct Args {
    /// As in `packages`: ripgrep, unstable#neovim, python3@3.12
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    known: known::Args,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    package: Package<'a>,
}

#[derive(Serialize)]
struct Package<'a> {
    channel: &'a str,
    release: Option<&'a str>,
    attribute: &'a str,
    name: &'a str,
    version: Option<&'a str>,
    description: Option<&'a str>,
    homepage: Option<&'a str>,
    licence: Option<&'a str>,
    program: Option<&'a str>,
    systems: Vec<&'static str>,
    outputs: Vec<Output<'a>>,
    /// Packages of its closure.
    packages: Option<usize>,
    /// Bytes of its closure.
    size: Option<u64>,
    hindrance: Option<&'a str>,
    /// Requests of the lock that it answers, in whatever version.
    locked: Vec<Locked>,
}

#[derive(Serialize)]
struct Output<'a> {
    name: &'a str,
    path: Option<String>,
    installed: bool,
}

/// A request that is locked.
#[derive(Serialize)]
struct Locked {
    request: String,
    version: Option<String>,
}

/// Asks and prints.
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let opened = args.known.open(context)?;
    let sources = sources(&opened.machine, opened.settings.clone());
    let known = opened.known(&sources, context);
    let named = opened.named(&args.name, &known)?;
    let info = known.info(&named.channel, &named.attribute, named.version.as_deref())?;
    let locked: Vec<Locked> = known
        .locked(&named.channel, &named.attribute)
        .map(|(request, answer)| Locked { request: request.to_owned(), version: answer.version.clone() })
        .collect();
    if context.json {
        return context.document(&Report { version: 1, package: package(&info, locked) });
    }
    context.text(text(&info, &locked))
}

fn package(info: &Info, locked: Vec<Locked>) -> Package<'_> {
    let output = |output: &'_ KnownOutput| -> (Option<String>, bool) {
        (output.path.as_ref().map(ToString::to_string), output.installed)
    };
    let outputs = info.outputs.iter().map(|one| {
        let (path, installed) = output(one);
        Output { name: &one.name, path, installed }
    });
    Package {
        channel: &info.channel,
        release: info.release.as_deref(),
        attribute: &info.attribute,
        name: &info.name,
        version: info.version.as_deref(),
        description: info.description.as_deref(),
        homepage: info.homepage.as_deref(),
        licence: info.licence.as_deref(),
        program: info.program.as_deref(),
        systems: info.systems.iter().map(|system| system.name()).collect(),
        outputs: outputs.collect(),
        packages: info.installed.map(|installed| installed.packages),
        size: info.installed.map(|installed| installed.size),
        hindrance: info.hindrance.as_deref(),
        locked,
    }
}

/// A line for each thing that is known.
fn text(info: &Info, locked: &[Locked]) -> String {
    let mut rows: Vec<[String; 2]> = Vec::new();
    let mut add = |what: &str, value: Option<String>| rows.extend(value.map(|value| [what.to_owned(), value]));
    let version = info.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let release = info.release.as_deref().map(|release| format!(" ({release})")).unwrap_or_default();
    add("package", Some(format!("{}{version}", info.attribute)));
    add("channel", Some(format!("{}{release}", info.channel)));
    add("description", info.description.clone());
    add("homepage", info.homepage.clone());
    add("licence", info.licence.clone());
    add("command", info.program.clone());
    let systems: Vec<_> = info.systems.iter().map(|system| system.name()).collect();
    add("systems", Some(systems.join(", ")).filter(|systems| !systems.is_empty()));
    for output in &info.outputs {
        let path = output.path.as_ref().map(ToString::to_string).unwrap_or_default();
        let installed = if output.installed { "" } else { " (by ^ only)" };
        add("output", Some(format!("{} {path}{installed}", output.name)));
    }
    let brings =
        info.installed.map(|brings| format!("{} in {}", bytes(brings.size), counted(brings.packages, "package")));
    add("installs", brings);
    for Locked { request, version } in locked {
        let version = version.as_deref().map(|version| format!(" is {version}")).unwrap_or_default();
        add("locked", Some(format!("{request}{version}")));
    }
    add("but", info.hindrance.clone());
    table([Align::Left, Align::Left], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::known::Installed;

    #[test]
    fn what_is_known_is_a_line_each() {
        let path = "/nix/store/y26qxcq1gg2hrqpxdc58b2fghv2bhxjg-hello-2.10".parse().ok();
        let info = Info {
            channel: "nixpkgs".to_owned(),
            release: Some("nixos-26.05.1.abcdef1".to_owned()),
            attribute: "hello".to_owned(),
            name: "hello".to_owned(),
            version: Some("2.10".to_owned()),
            licence: Some("GPL-3.0-or-later".to_owned()),
            outputs: vec![
                KnownOutput { name: "out".to_owned(), path, installed: true },
                KnownOutput { name: "dev".to_owned(), path: None, installed: false },
            ],
            installed: Some(Installed { packages: 5, size: 31_700_000 }),
            ..Info::default()
        };
        let locked = [Locked { request: "hello".to_owned(), version: Some("2.9".to_owned()) }];
        insta::assert_snapshot!(text(&info, &locked), @r"
        package   hello 2.10
        channel   nixpkgs (nixos-26.05.1.abcdef1)
        licence   GPL-3.0-or-later
        output    out /nix/store/y26qxcq1gg2hrqpxdc58b2fghv2bhxjg-hello-2.10
        output    dev  (by ^ only)
        installs  31.7 MB in 5 packages
        locked    hello is 2.9
        ");
    }
}
