//! `dumbc why`: the chains of references that bring a package into the image.

use serde::Serialize;

use crate::plan::{Error, Request, Unit, find, why};

use crate::build::PlanChoice;
use crate::config::System;

use super::Context;
use super::figures::{bytes, counted, name};

/// Show the chains of references that bring a package into the image
#[derive(clap::Args)]
#[command(after_help = "\
For each request that needs the package, the shortest chains of references from it are shown.

Examples:
  dumbc why glibc           by name; several versions are all shown
  dumbc why b0w421q3        by the first characters of the hash, at least four
  dumbc why /nix/store/b0w421q3zff7bm8z9hg4cyddfl33913x-git-2.39.5
  dumbc why --chains 10 perl")]
pub(super) struct Args {
    /// A store path, its base name, the beginning of its hash, or a package's name
    #[arg(value_name = "PATH")]
    pub(super) path: String,
    /// Show at most this many chains for each request
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) chains: u16,
    /// For this system [default: the first of system.toml]
    #[arg(long, value_name = "SYSTEM", value_parser = super::project::system)]
    pub(super) system: Option<System>,
    #[command(flatten)]
    pub(super) project: super::project::Args,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let look = args.project.look(args.system, PlanChoice::default(), context)?;
    Report::new(&look.planned.units, &look.requests, &args.path, args.chains.into())?.print(context)
}

/// What the verb tells: the document that `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: u32,
    matches: Vec<Match>,
}

/// A package that was meant.
#[derive(Debug, Serialize)]
struct Match {
    id: String,
    size: u64,
    /// Shortest first; empty where no request needs it.
    chains: Vec<ChainReport>,
}

#[derive(Debug, Serialize)]
struct ChainReport {
    request: String,
    /// From the request's package down to the one in question.
    units: Vec<String>,
}

impl Report {
    /// Why the packages that `path` means are among `units`.
    pub(super) fn new(units: &[Unit], requests: &[Request], path: &str, limit: usize) -> Result<Self, Error> {
        let mut matches = Vec::new();
        for unit in find(units, path)? {
            let chains = why(units, requests, &unit.id, limit)?;
            let chains = chains.into_iter().map(|chain| ChainReport { request: chain.request, units: chain.units });
            matches.push(Match { id: unit.id.clone(), size: unit.size, chains: chains.collect() });
        }
        Ok(Self { version: 1, matches })
    }

    /// As people read it.
    pub(super) fn render(&self) -> String {
        self.matches.iter().map(Match::render).collect::<Vec<_>>().join("\n")
    }

    /// Prints it.
    pub(super) fn print(&self, context: &Context) -> anyhow::Result<()> {
        if context.json { context.document(self) } else { context.line(self.render().trim_end()) }
    }
}

impl Match {
    fn render(&self) -> String {
        let mut requests: Vec<&str> = self.chains.iter().map(|chain| chain.request.as_str()).collect();
        requests.sort_unstable();
        requests.dedup();
        let needed = match requests.len() {
            0 => ": no request needs it".to_owned(),
            count => format!(", needed by {}", counted(count, "request")),
        };
        let chains = self.chains.iter().map(|chain| {
            let names: Vec<&str> = chain.units.iter().map(|id| name(id)).collect();
            format!("\n  {}: {}", chain.request, names.join(" -> "))
        });
        let text = format!("{}, {}{needed}{}\n", self.id, bytes(self.size), chains.collect::<String>());
        text.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::sample::{requests, units};
    use super::*;

    #[test]
    fn each_request_has_its_shortest_chain() {
        let report = Report::new(&units(), &requests(), "glibc", 1).expect("there");
        insta::assert_snapshot!(report.render(), @r#"
        kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.36, 13.7 MB, needed by 2 requests
          git: git-2.39.5 -> glibc-2.36
          curl: curl-7.88.1 -> zlib1g-1.2.13.dfsg -> glibc-2.36
        "#);
    }

    #[test]
    fn what_no_request_needs_is_said() {
        let report = Report::new(&units(), &requests()[..1], "git-2.39.5", 1).expect("there");
        let expected = "b0w421q3zff7bm8z9hg4cyddfl33913x-git-2.39.5, 32.3 MB: no request needs it\n";
        assert_eq!(report.render(), expected);
    }

    #[test]
    fn the_document_has_whole_ids() {
        let report = Report::new(&units(), &requests(), "libssl3", 1).expect("there");
        insta::assert_snapshot!(serde_json::to_string_pretty(&report).expect("plain data"), @r#"
        {
          "version": 1,
          "matches": [
            {
              "id": "4scb502pkih7im0y9yryj20wmgw8lz83-libssl3-3.0.22",
              "size": 5871504,
              "chains": [
                {
                  "request": "curl",
                  "units": [
                    "kjc6i88k2a1ybsznbda074ryvz8hh2mb-curl-7.88.1",
                    "4scb502pkih7im0y9yryj20wmgw8lz83-libssl3-3.0.22"
                  ]
                },
                {
                  "request": "git",
                  "units": [
                    "b0w421q3zff7bm8z9hg4cyddfl33913x-git-2.39.5",
                    "kjc6i88k2a1ybsznbda074ryvz8hh2mb-curl-7.88.1",
                    "4scb502pkih7im0y9yryj20wmgw8lz83-libssl3-3.0.22"
                  ]
                }
              ]
            }
          ]
        }
        "#);
    }
}
