//! How long planning takes, and how good its plans are beside nixpkgs' popularity contest.
//!
//! `cargo bench --bench plan`

#![expect(clippy::print_stdout, reason = "a bench reports on the terminal")]

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::Criterion;
use dumbc::plan::{Causes, Layer, Options, Plan, Request, Unit, impacts, key, plan};

#[path = "../src/plan/sample.rs"]
mod sample;

fn main() {
    let small = sample::nixpkgs_shape(248, 1);
    let large = sample::nixpkgs_shape(10_000, 1);
    compare("generated, 248 paths", &small);
    if let Some(real) = sample::real_closure() {
        compare("the shared base cache", &real);
    }
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    time(&mut criterion, "248 paths", &small);
    time(&mut criterion, "10,000 paths", &large);
    criterion.final_summary();
}

fn time(criterion: &mut Criterion, name: &str, units: &[Unit]) {
    let groups = planned(units, 100).groups(units);
    criterion.bench_function(&format!("{name}, fresh"), |bencher| {
        bencher.iter(|| planned(black_box(units), 100));
    });
    criterion.bench_function(&format!("{name}, nothing changed"), |bencher| {
        bencher.iter(|| plan(black_box(units), 100, Some(&groups), &Options::default()));
    });
}

fn planned(units: &[Unit], budget: usize) -> Plan {
    plan(units, budget, None, &Options::default()).expect("ids are distinct")
}

/// Prints what a change moves, in MB: the mean over all paths, and over those that nothing refers to.
fn compare(name: &str, units: &[Unit]) {
    let total: u64 = units.iter().map(|unit| unit.size).sum();
    println!(
        "\n{name}: {} paths, {:.1} MB; MB moved by the change of a random path / of a random top",
        units.len(),
        mega(total)
    );
    println!("{:>7} {:>22} {:>22}", "layers", "popularity contest", "dumbc");
    for budget in [100, 50, 20] {
        let both = [popularity_contest(units, budget), planned(units, budget)];
        let [theirs, ours] = both.map(|plan| format!("{:.2} / {:.2}", any_path(units, &plan), top(units, &plan)));
        println!("{budget:>7} {theirs:>22} {ours:>22}");
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn any_path(units: &[Unit], plan: &Plan) -> f64 {
    plan.expected_cost(units, &Options::default()).expect("ids are distinct") / 1e6
}

fn top(units: &[Unit], plan: &Plan) -> f64 {
    let tops: Vec<Request> =
        tops(units).map(|unit| Request { text: unit.id.clone(), units: vec![unit.id.clone()] }).collect();
    let moved = impacts(units, plan, &tops).expect("ids are distinct");
    let count = u64::try_from(tops.len().max(1)).expect("fits");
    mega(moved.iter().map(|impact| impact.moved).sum::<u64>() / count)
}

fn tops(units: &[Unit]) -> impl Iterator<Item = &Unit> {
    let referrers = referrers(units);
    units.iter().filter(move |unit| !referrers.contains_key(unit.id.as_str()))
}

fn referrers(units: &[Unit]) -> BTreeMap<&str, Vec<&str>> {
    let mut referrers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for unit in units {
        for target in unit.references.iter().filter(|&target| *target != unit.id) {
            referrers.entry(target).or_default().push(&unit.id);
        }
    }
    referrers
}

/// As nixpkgs' `buildLayeredImage` is documented: a path's popularity is how often it occurs in the tree of references;
/// the most popular paths get a layer each, all others share the last.
fn popularity_contest(units: &[Unit], budget: usize) -> Plan {
    let referrers = referrers(units);
    let mut popularity = BTreeMap::new();
    let mut order: Vec<&str> = units.iter().map(|unit| unit.id.as_str()).collect();
    order.sort_by_cached_key(|id| (std::cmp::Reverse(occurrences(id, &referrers, &mut popularity)), *id));
    let last = order.split_off((budget - 1).min(order.len()));
    let mut layers: Vec<Layer> = order.into_iter().map(|id| Layer { units: vec![id.to_owned()] }).collect();
    layers.push(Layer { units: last.into_iter().map(str::to_owned).collect() });
    Plan { layers }
}

fn occurrences<'a>(id: &'a str, referrers: &BTreeMap<&str, Vec<&'a str>>, known: &mut BTreeMap<&'a str, u128>) -> u128 {
    if let Some(&count) = known.get(id) {
        return count;
    }
    let by = referrers.get(id).map_or(&[][..], Vec::as_slice);
    let sum = by.iter().map(|referrer| occurrences(referrer, referrers, known)).fold(0, u128::saturating_add);
    let count = sum.max(1);
    known.insert(id, count);
    count
}
