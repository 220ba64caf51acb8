//! `dumbc plan`: which package goes into which layer, and what changes would move.

use serde::Serialize;

use crate::plan::{Error, Options, Plan, Request, Unit, impacts, layer_facts};

use crate::build::{PlanChoice, Planned};
use crate::config::System;

use super::Context;
use super::figures::{Align, bytes, counted, name, table};
use super::project::Outlook;

/// So many packages of a layer are named without `--units`.
const NAMED: usize = 4;

/// So many volatile packages are named.
const MOST: usize = 10;

/// The weight of a package that changes as often as the average.
const AVERAGE: u32 = 1000;

/// Show which package goes into which layer, and what a change of each request would move
#[derive(clap::Args)]
#[command(after_help = "\
A layer is moved whole when one of its packages changes, and a package changes when anything in its closure does. So \
what changes together goes together, and what many depend on stays alone, at the bottom.

Examples:
  dumbc plan              layers as the next build makes them
  dumbc plan --layers 20  what fewer layers would cost
  dumbc plan --explain    how often packages changed, and how that is known
  dumbc plan --replan     a plan that owes nothing to the one in dumbc.lock
  dumbc plan --json | jq '.layers[] | select(.size > 10000000)'")]
pub(super) struct Args {
    /// Plan for this many layers instead of what system.toml allows
    #[arg(long, value_name = "N")]
    pub(super) layers: Option<usize>,
    /// Plan from scratch, not from the groups in dumbc.lock
    #[arg(long)]
    pub(super) replan: bool,
    /// Tell where the weights come from: how often each package changed, by the history of dumbc.lock
    #[arg(long)]
    pub(super) explain: bool,
    /// Name every package of every layer, with its size
    #[arg(long)]
    pub(super) units: bool,
    /// For this system [default: the first of system.toml]
    #[arg(long, value_name = "SYSTEM", value_parser = super::project::system)]
    pub(super) system: Option<System>,
    #[command(flatten)]
    pub(super) project: super::project::Args,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let look = args.project.look(args.system, PlanChoice { replan: args.replan, layers: args.layers }, context)?;
    let mut report = Report::new(&look.planned, &look.requests)?;
    report.weights = Weights::of(&look);
    report.print(args, context)
}

/// What the verb tells: the document that `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: u32,
    /// Bytes of all layers, uncompressed.
    size: u64,
    /// Bytes that the change of a random package is expected to move.
    expected: u64,
    weights: Weights,
    layers: Vec<LayerReport>,
    requests: Vec<RequestReport>,
}

/// Where the weights of the plan come from.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Weights {
    source: WeightSource,
    /// Revisions of dumbc.lock that were looked at.
    commits: u32,
    /// The packages that change most, most first.
    most_volatile: Vec<Volatile>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum WeightSource {
    /// All change equally often.
    #[default]
    Uniform,
    /// What the lock pins.
    Lock,
    /// The git history of the lock, to be pinned by the next build.
    History,
}

#[derive(Debug, Serialize)]
struct Volatile {
    package: String,
    /// Relative to the average.
    weight: f64,
}

impl Weights {
    fn of(look: &Outlook) -> Self {
        let Some(volatility) = &look.volatility else { return Self::default() };
        let source = if look.is_pinned { WeightSource::Lock } else { WeightSource::History };
        let mut most: Vec<_> = volatility.weights.iter().filter(|(_, weight)| **weight > AVERAGE).collect();
        most.sort_by_key(|(name, weight)| (std::cmp::Reverse(**weight), *name));
        let volatile = |(name, weight): (&String, &u32)| Volatile {
            package: name.clone(),
            weight: f64::from(*weight) / f64::from(AVERAGE),
        };
        Self { source, commits: volatility.commits, most_volatile: most.into_iter().take(MOST).map(volatile).collect() }
    }

    fn render(&self) -> String {
        let from = match self.source {
            WeightSource::Uniform => {
                return "weights: uniform: dumbc.lock has no history to learn from, or its layers were chosen without one \
                        (`dumbc build --replan` learns)\n"
                    .to_owned();
            }
            WeightSource::Lock => "pinned in dumbc.lock, from",
            WeightSource::History => "learnt from",
        };
        let mut text = format!("weights: {from} {} of it\n", counted(self.commits as usize, "revision"));
        let row = |volatile: &Volatile| [format!("{:.1}", volatile.weight), volatile.package.clone()];
        if !self.most_volatile.is_empty() {
            text += "times as likely to change as the average package:\n";
            text += &table([Align::Right, Align::Left], &self.most_volatile.iter().map(row).collect::<Vec<_>>());
        }
        text
    }
}

#[derive(Debug, Serialize)]
struct LayerReport {
    /// From 1, the lowest.
    number: usize,
    size: u64,
    /// Of how many packages and other sources each would change the layer.
    causes: u32,
    /// Largest first.
    units: Vec<UnitReport>,
}

#[derive(Debug, Serialize)]
struct UnitReport {
    id: String,
    size: u64,
}

#[derive(Debug, Serialize)]
struct RequestReport {
    request: String,
    /// Bytes of what would change with it.
    changed: u64,
    /// Bytes of the layers that hold what would change.
    moved: u64,
    /// Numbers of those layers.
    layers: Vec<usize>,
}

impl Report {
    /// `plan` in figures; what a change of each of `requests` would move, most first.
    pub(super) fn new(planned: &Planned, requests: &[Request]) -> Result<Self, Error> {
        Self::of((&planned.units, &planned.plan, &planned.options), requests)
    }

    fn of((units, plan, options): (&[Unit], &Plan, &Options), requests: &[Request]) -> Result<Self, Error> {
        let facts = layer_facts(units, plan)?;
        let layers = plan.layers.iter().zip(facts).enumerate().map(|(index, (layer, facts))| LayerReport {
            number: index + 1,
            size: facts.size,
            causes: facts.causes,
            units: largest_first(units, &layer.units),
        });
        let mut requests: Vec<RequestReport> = impacts(units, plan, requests)?
            .into_iter()
            .map(|impact| RequestReport {
                request: impact.request,
                changed: impact.changed,
                moved: impact.moved,
                layers: impact.layers.into_iter().map(|layer| layer + 1).collect(),
            })
            .collect();
        requests.sort_by_key(|request| std::cmp::Reverse(request.moved));
        let size = units.iter().map(|unit| unit.size).fold(0, u64::saturating_add);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a size: neither huge nor negative"
        )]
        let expected = plan.expected_cost(units, options)?.round() as u64;
        Ok(Self { version: 1, size, expected, weights: Weights::default(), layers: layers.collect(), requests })
    }

    /// As people read it; `every_unit`: with all packages of all layers.
    pub(super) fn render(&self, every_unit: bool) -> String {
        let mut text = format!(
            "{}, {}; a change of a random package is expected to move {}\n\n",
            counted(self.layers.len(), "layer"),
            bytes(self.size),
            bytes(self.expected)
        );
        text += &self.layer_table(every_unit);
        if !self.requests.is_empty() {
            text += "\n";
            text += &self.request_table();
        }
        text
    }

    fn layer_table(&self, every_unit: bool) -> String {
        let mut rows = vec![["layer", "size", "causes", "packages"].map(str::to_owned)];
        for layer in &self.layers {
            let (number, size, causes) = (layer.number.to_string(), bytes(layer.size), layer.causes.to_string());
            if every_unit {
                rows.push([number, size, causes, counted(layer.units.len(), "package")]);
                let unit = |unit: &UnitReport| [String::new(), bytes(unit.size), String::new(), unit.id.clone()];
                rows.extend(layer.units.iter().map(unit));
            } else {
                rows.push([number, size, causes, layer.summary()]);
            }
        }
        table([Align::Right, Align::Right, Align::Right, Align::Left], &rows)
    }

    fn request_table(&self) -> String {
        let mut rows = vec![["a change of", "changes", "moves", "in"].map(str::to_owned)];
        rows.extend(self.requests.iter().map(|request| {
            let layers = counted(request.layers.len(), "layer");
            [request.request.clone(), bytes(request.changed), bytes(request.moved), layers]
        }));
        table([Align::Left, Align::Right, Align::Right, Align::Left], &rows)
    }

    /// Prints it.
    pub(super) fn print(&self, args: &Args, context: &Context) -> anyhow::Result<()> {
        if context.json {
            return context.document(self);
        }
        let explained = if args.explain { format!("\n{}", self.weights.render()) } else { String::new() };
        context.line((self.render(args.units) + &explained).trim_end())
    }
}

impl LayerReport {
    /// The largest packages, and how many more there are.
    fn summary(&self) -> String {
        let named: Vec<&str> = self.units.iter().take(NAMED).map(|unit| name(&unit.id)).collect();
        let more = self.units.len() - named.len();
        if more == 0 { named.join(", ") } else { format!("{}, and {more} more", named.join(", ")) }
    }
}

fn largest_first(units: &[Unit], ids: &[String]) -> Vec<UnitReport> {
    let within = units.iter().filter(|unit| ids.binary_search(&unit.id).is_ok());
    let mut reports: Vec<UnitReport> = within.map(|unit| UnitReport { id: unit.id.clone(), size: unit.size }).collect();
    reports.sort_by(|one, other| other.size.cmp(&one.size).then_with(|| one.id.cmp(&other.id)));
    reports
}

#[cfg(test)]
mod tests {
    use super::super::figures::sample::{requests, units};
    use super::*;

    fn report() -> Report {
        let plan = crate::plan::plan(&units(), 3, None, &Options::default()).expect("distinct");
        Report::of((&units(), &plan, &Options::default()), &requests()).expect("distinct")
    }

    #[test]
    fn layers_and_what_changes_move() {
        insta::assert_snapshot!(report().render(false), @r#"
        3 layers, 52.6 MB; a change of a random package is expected to move 32.7 MB

        layer     size  causes  packages
            1  13.7 MB       1  glibc-2.36
            2   6.1 MB       3  libssl3-3.0.22, ca-certificates-20250419-deb12u2
            3  32.8 MB       5  git-2.39.5, curl-7.88.1, zlib1g-1.2.13.dfsg

        a change of   changes    moves  in
        curl          32.6 MB  32.8 MB  1 layer
        git           32.3 MB  32.8 MB  1 layer
        cacert       261.3 kB   6.1 MB  1 layer
        "#);
    }

    #[test]
    fn every_unit_has_its_line() {
        insta::assert_snapshot!(report().render(true), @r#"
        3 layers, 52.6 MB; a change of a random package is expected to move 32.7 MB

        layer      size  causes  packages
            1   13.7 MB       1  1 package
                13.7 MB          kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.36
            2    6.1 MB       3  2 packages
                 5.9 MB          4scb502pkih7im0y9yryj20wmgw8lz83-libssl3-3.0.22
               261.3 kB          xfg614sc22kdc85qrps9d66mx13lczay-ca-certificates-20250419-deb12u2
            3   32.8 MB       5  3 packages
                32.3 MB          b0w421q3zff7bm8z9hg4cyddfl33913x-git-2.39.5
               306.1 kB          kjc6i88k2a1ybsznbda074ryvz8hh2mb-curl-7.88.1
               126.8 kB          0n5f23s4z868ym4yxf7d58hxcm5bsdi9-zlib1g-1.2.13.dfsg

        a change of   changes    moves  in
        curl          32.6 MB  32.8 MB  1 layer
        git           32.3 MB  32.8 MB  1 layer
        cacert       261.3 kB   6.1 MB  1 layer
        "#);
    }

    #[test]
    fn the_document_has_a_version_and_bytes() {
        let document = serde_json::to_value(report()).expect("plain data");
        assert_eq!(document["version"], 1);
        assert_eq!(document["layers"][0]["units"][0]["size"], 13_698_952);
        assert_eq!(document["requests"][0]["layers"], serde_json::json!([3]));
    }

    #[test]
    fn a_layer_of_many_names_the_largest() {
        let units = (0..9).map(|index| UnitReport { id: format!("p{index}"), size: 9 - index }).collect();
        let layer = LayerReport { number: 1, size: 45, causes: 9, units };
        assert_eq!(layer.summary(), "p0, p1, p2, p3, and 5 more");
    }
}
