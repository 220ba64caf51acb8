//! `dumbc size`: the largest packages, and what each request alone adds.

use std::cmp::Reverse;

use serde::Serialize;

use crate::plan::{Error, Request, Unit, largest, request_sizes};

use crate::build::PlanChoice;
use crate::config::System;

use super::Context;
use super::figures::{Align, bytes, counted, name, table};

/// Show the largest packages, and what each request alone adds
#[derive(clap::Args)]
#[command(after_help = "\
What a request alone adds is what leaving it out would save: packages that no other request needs. Sizes are \
uncompressed.

Examples:
  dumbc size           the twenty largest packages
  dumbc size --top 50
  dumbc size --json | jq '.requests | sort_by(-.alone)[0]'")]
pub(super) struct Args {
    /// Show this many of the largest packages
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(super) top: usize,
    /// For this system [default: the first of system.toml]
    #[arg(long, value_name = "SYSTEM", value_parser = super::project::system)]
    pub(super) system: Option<System>,
    #[command(flatten)]
    pub(super) project: super::project::Args,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let look = args.project.look(args.system, PlanChoice::default(), context)?;
    Report::new(&look.planned.units, &look.requests, args.top)?.print(context)
}

/// What the verb tells: the document that `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: u32,
    /// Bytes of all packages.
    size: u64,
    /// Number of packages.
    packages: usize,
    /// Largest first.
    largest: Vec<Large>,
    /// What adds most alone first.
    requests: Vec<Share>,
}

#[derive(Debug, Serialize)]
struct Large {
    id: String,
    size: u64,
}

#[derive(Debug, Serialize)]
struct Share {
    request: String,
    /// Bytes of its whole closure.
    closure: u64,
    /// Bytes that no other request needs.
    alone: u64,
}

impl Report {
    /// Sizes of `units`, the `top` largest by name.
    pub(super) fn new(units: &[Unit], requests: &[Request], top: usize) -> Result<Self, Error> {
        let large = |unit: &Unit| Large { id: unit.id.clone(), size: unit.size };
        let sizes = request_sizes(units, requests)?.into_iter();
        let mut requests: Vec<Share> =
            sizes.map(|size| Share { request: size.request, closure: size.closure, alone: size.alone }).collect();
        requests.sort_by_key(|share| Reverse((share.alone, share.closure)));
        Ok(Self {
            version: 1,
            size: units.iter().map(|unit| unit.size).fold(0, u64::saturating_add),
            packages: units.len(),
            largest: largest(units, top).into_iter().map(large).collect(),
            requests,
        })
    }

    /// As people read it.
    pub(super) fn render(&self) -> String {
        let mut text = format!("{}, {}\n\n", counted(self.packages, "package"), bytes(self.size));
        let all = u128::from(self.size.max(1));
        let share = |size: u64| format!("{}%", (u128::from(size) * 100 + all / 2) / all);
        let rows: Vec<[String; 3]> = self
            .largest
            .iter()
            .map(|large| [bytes(large.size), share(large.size), name(&large.id).to_owned()])
            .collect();
        text += &table([Align::Right, Align::Right, Align::Left], &rows);
        let mut rows = vec![["request", "alone", "closure"].map(str::to_owned)];
        rows.extend(
            self.requests.iter().map(|share| [share.request.clone(), bytes(share.alone), bytes(share.closure)]),
        );
        text + "\n" + &table([Align::Left, Align::Right, Align::Right], &rows)
    }

    /// Prints it.
    pub(super) fn print(&self, context: &Context) -> anyhow::Result<()> {
        if context.json { context.document(self) } else { context.line(self.render().trim_end()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::sample::{requests, units};
    use super::*;

    #[test]
    fn largest_packages_and_what_each_request_adds() {
        let report = Report::new(&units(), &requests(), 3).expect("distinct");
        insta::assert_snapshot!(report.render(), @r#"
        6 packages, 52.6 MB

        32.3 MB  61%  git-2.39.5
        13.7 MB  26%  glibc-2.36
         5.9 MB  11%  libssl3-3.0.22

        request     alone   closure
        git       32.3 MB   52.3 MB
        cacert   261.3 kB  261.3 kB
        curl          0 B   20.0 MB
        "#);
        let document = serde_json::to_value(report).expect("plain data");
        assert_eq!(document["requests"][0]["alone"], 32_338_992);
    }
}
