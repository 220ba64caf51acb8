//! Groups a closure into image layers.
//!
//! Pure: the same closure and budget give the same plan, byte for byte, in whatever order the units come.
//! [`crate::image`] writes what is planned here; `docs/layers.md` tells the reasoning with numbers.
//!
//! A layer costs its size times the weight of everything that can change one of its units: the bytes that a change
//! is expected to move. [`plan`] begins with a layer per unit and merges the pair that adds least until the budget
//! holds. The previous plan, which the lock keeps, holds unless it has become much dearer than a fresh one.

mod causes;
mod coarse;
mod error;
mod find;
mod graph;
mod greedy;
mod groups;
mod impact;
mod query;
#[cfg(test)]
mod sample;
mod sticky;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use crate::nix::key;
pub use error::Error;
pub use find::find;
pub use impact::{Impact, LayerFacts, impacts, layer_facts};
pub use query::{Chain, Request, RequestSize, largest, request_sizes, why};

use causes::CauseSets;
use graph::Graph;
use groups::Groups;

/// What goes into a layer whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Unique; a store path's base name, for example.
    pub id: String,
    /// What stays the same when the unit changes: the name without version and hash, and the output. Not unique.
    pub key: String,
    /// Bytes that it takes in a layer.
    pub size: u64,
    /// Ids of units that it refers to; its own and unknown ones are ignored.
    pub references: Vec<String>,
    /// What can make it change.
    pub causes: Causes,
}

/// What can make a unit change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Causes {
    /// Any unit of its closure, itself included: store paths. A unit with [`Causes::Listed`] in the closure counts
    /// with what it lists, and what lies behind it does not count.
    Closure,
    /// These, and nothing else. A unit's own id is as good a name for a cause as any other.
    Listed(Vec<String>),
}

/// What a plan may depend on besides the units and the budget.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// How often each cause changes, relative to the others; 1 where nothing is said. From 0 to 65,536, in steps of
    /// 1/65,536.
    pub weights: BTreeMap<String, f64>,
    /// Plan from scratch, whatever the previous plan was.
    pub replan: bool,
}

/// Which unit goes into which layer: every unit in exactly one, the least volatile layer first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Lowest layer first.
    pub layers: Vec<Layer>,
}

/// What a layer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Ids of its units, sorted.
    pub units: Vec<String>,
}

/// Plans at most `budget` layers for `units`.
///
/// `previous` is what [`Plan::groups`] said of the plan before: units whose key stood in one of its groups stay
/// together, unless that costs more than 1.25 times a fresh plan or [`Options::replan`] is set.
pub fn plan(units: &[Unit], budget: usize, previous: Option<&[Vec<String>]>, options: &Options) -> Result<Plan, Error> {
    if budget == 0 {
        return Err(Error::NoBudget);
    }
    let graph = Graph::new(units)?;
    let causes = CauseSets::new(&graph, &options.weights)?;
    let fresh = fresh(&graph, &causes, budget);
    let groups = match previous {
        Some(previous) if !options.replan => {
            sticky::keep(&graph, &causes, budget, previous).filter(|kept| !sticky::too_dear(kept, &fresh))
        }
        _ => None,
    };
    Ok(groups.unwrap_or(fresh).into_plan(&graph))
}

/// A plan that owes nothing to an earlier one.
fn fresh<'c>(graph: &Graph, causes: &'c CauseSets, budget: usize) -> Groups<'c> {
    let units = graph.post_order().into_iter().map(|unit| vec![unit]).collect();
    let parts = coarse::merge_near(Groups::new(graph, causes, units), budget.max(coarse::ENOUGH));
    let mut groups = Groups::new(graph, causes, parts);
    greedy::merge_cheapest(&mut groups, budget);
    groups
}

impl Plan {
    /// What the lock keeps of this plan: per layer the sorted labels of its units.
    ///
    /// A label is the unit's key; of several units with one key, all but the most referred to get `#2`, `#3`, ….
    #[must_use]
    pub fn groups(&self, units: &[Unit]) -> Vec<Vec<String>> {
        let labels: BTreeMap<&str, String> =
            units.iter().zip(sticky::labels(units)).map(|(unit, label)| (unit.id.as_str(), label)).collect();
        let of_layer = |layer: &Layer| {
            let mut group: Vec<String> = layer.units.iter().filter_map(|id| labels.get(id.as_str()).cloned()).collect();
            group.sort();
            group
        };
        self.layers.iter().map(of_layer).collect()
    }

    /// Bytes that the change of a random cause is expected to move: the sum over the layers of size times weight of
    /// causes, by the weight of all causes.
    pub fn expected_cost(&self, units: &[Unit], options: &Options) -> Result<f64, Error> {
        let graph = Graph::new(units)?;
        let causes = CauseSets::new(&graph, &options.weights)?;
        let parts = self.layers.iter().map(|layer| layer.units.iter().filter_map(|id| graph.index(id)).collect());
        let cost = Groups::new(&graph, &causes, parts.collect()).cost();
        #[expect(clippy::cast_precision_loss, reason = "a figure for people; 53 bits are plenty")]
        Ok(if causes.total() == 0 { 0.0 } else { cost as f64 / causes.total() as f64 })
    }
}
