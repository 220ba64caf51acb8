//! What a plan means: how volatile its layers are, and what the change of a request moves.

use super::causes::{CauseSets, intersect, unite};
use super::graph::Graph;
use super::query::{Request, indices, total};
use super::{Error, Options, Plan, Unit};

/// A layer in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerFacts {
    /// Bytes of its units.
    pub size: u64,
    /// Of how many causes each would change it.
    pub causes: u32,
}

/// What a change of a request's own units means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impact {
    /// The request.
    pub request: String,
    /// Bytes of the units that would change: the request's own and all that refer to them.
    pub changed: u64,
    /// Bytes of the layers that hold those: what a push and a pull would move, uncompressed.
    pub moved: u64,
    /// Indices of those layers in the plan.
    pub layers: Vec<usize>,
}

/// Size and causes of each of `plan`'s layers.
pub fn layer_facts(units: &[Unit], plan: &Plan) -> Result<Vec<LayerFacts>, Error> {
    let graph = Graph::new(units)?;
    let causes = CauseSets::new(&graph, &Options::default().weights)?;
    let facts = |members: Vec<usize>| {
        let mut set = vec![0; causes.words()];
        for &unit in &members {
            unite(&mut set, causes.of(unit));
        }
        let sizes = members.iter().map(|&unit| graph.unit(unit).size);
        LayerFacts { size: sizes.fold(0, u64::saturating_add), causes: set.iter().map(|word| word.count_ones()).sum() }
    };
    Ok(members(&graph, plan).into_iter().map(facts).collect())
}

/// What a change of each request's own units would move, in the requests' order.
pub fn impacts(units: &[Unit], plan: &Plan, requests: &[Request]) -> Result<Vec<Impact>, Error> {
    let graph = Graph::new(units)?;
    let causes = CauseSets::new(&graph, &Options::default().weights)?;
    let layers = members(&graph, plan);
    let impact = |request: &Request| {
        let mut changing = vec![0; causes.words()];
        for unit in indices(&graph, request) {
            unite(&mut changing, &causes.own(&graph, unit));
        }
        let changes = |unit: usize| intersect(causes.of(unit), &changing);
        let holds = |&layer: &usize| layers[layer].iter().any(|&unit| changes(unit));
        let moved: Vec<usize> = (0..layers.len()).filter(holds).collect();
        let sizes = moved.iter().flat_map(|&layer| &layers[layer]).map(|&unit| graph.unit(unit).size);
        Impact {
            request: request.text.clone(),
            changed: total(&graph, changes),
            moved: sizes.fold(0, u64::saturating_add),
            layers: moved,
        }
    };
    Ok(requests.iter().map(impact).collect())
}

/// Indices of the units of each layer.
fn members(graph: &Graph, plan: &Plan) -> Vec<Vec<usize>> {
    plan.layers.iter().map(|layer| layer.units.iter().filter_map(|id| graph.index(id)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{request, unit};
    use super::*;
    use crate::plan::Layer;

    #[test]
    fn a_change_moves_the_layers_of_all_that_refer_to_it() {
        let units = [
            unit("git", 1_000, &["curl"]),
            unit("curl", 200, &["ssl", "zlib"]),
            unit("ssl", 500, &["rand"]),
            unit("rand", 10, &["ssl", "libc"]),
            unit("zlib", 50, &["libc"]),
            unit("libc", 9_000, &[]),
            unit("doc", 7, &[]),
        ];
        let layers = [&["libc"][..], &["doc", "zlib"], &["curl", "rand", "ssl"], &["git"]];
        let layer = |ids: &[&str]| Layer { units: ids.iter().map(|&id| id.to_owned()).collect() };
        let plan = Plan { layers: layers.into_iter().map(layer).collect() };

        let wanted = [request("doc", &["doc"]), request("rand", &["rand"]), request("git", &["git"])];
        let found = impacts(&units, &plan, &wanted).expect("distinct");
        let figures: Vec<_> =
            found.iter().map(|impact| (impact.changed, impact.moved, impact.layers.clone())).collect();
        assert_eq!(figures, [(7, 57, vec![1]), (1_710, 1_710, vec![2, 3]), (1_000, 1_000, vec![3])]);

        let facts = layer_facts(&units, &plan).expect("distinct");
        let figures: Vec<_> = facts.iter().map(|facts| (facts.size, facts.causes)).collect();
        assert_eq!(figures, [(9_000, 1), (57, 3), (710, 5), (1_000, 6)]);
    }
}
