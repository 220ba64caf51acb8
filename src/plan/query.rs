//! Questions about a closure and its plan: why a unit is there, what is large, what a change moves.

use std::collections::VecDeque;

use super::causes::{CauseSets, intersect, unite};
use super::graph::Graph;
use super::{Error, Options, Plan, Unit};

/// What a user asked for, and the units that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// As the user wrote it.
    pub text: String,
    /// Ids of its units: the outputs of a package.
    pub units: Vec<String>,
}

/// References from a request down to a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The request that it begins with.
    pub request: String,
    /// Ids: one of the request's units, what refers to what, the unit in question.
    pub units: Vec<String>,
}

/// How much of an image is there for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSize {
    /// The request.
    pub request: String,
    /// Bytes of its closure.
    pub closure: u64,
    /// Bytes that no other request needs: what leaving it out would save.
    pub alone: u64,
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

/// The units that `text` can mean, sorted by id: a store path or id, else all whose id begins so, else all with that
/// key or a name that begins with it.
#[must_use]
pub fn find<'a>(units: &'a [Unit], text: &str) -> Vec<&'a Unit> {
    let wanted = text.strip_prefix("/nix/store/").unwrap_or(text).split('/').next().unwrap_or_default();
    let whole = |unit: &&Unit| unit.id == text || unit.id == wanted;
    let prefix = |unit: &&Unit| wanted.len() >= 4 && unit.id.starts_with(wanted);
    let named = |unit: &&Unit| unit.key == wanted || name(&unit.id).is_some_and(|name| name == wanted);
    let among = |matches: &dyn Fn(&&Unit) -> bool| -> Vec<&'a Unit> { units.iter().filter(matches).collect() };
    let mut found = among(&whole);
    for matches in [&named as &dyn Fn(&&Unit) -> bool, &prefix] {
        if found.is_empty() {
            found = among(matches);
        }
    }
    found.sort_by(|one, other| one.id.cmp(&other.id));
    found
}

/// What follows the hash of a store path's base name.
fn name(id: &str) -> Option<&str> {
    id.split_once('-').filter(|(hash, _)| hash.len() == 32).map(|(_, name)| name)
}

/// The shortest chains of references from each request to the unit `id`, at most `limit` for each request; the
/// shortest first, then in order of requests. Empty where no request needs the unit.
pub fn why(units: &[Unit], requests: &[Request], id: &str, limit: usize) -> Result<Vec<Chain>, Error> {
    let graph = Graph::new(units)?;
    let Some(target) = graph.index(id) else { return Ok(Vec::new()) };
    let distances = distances(&graph, target);
    let mut chains = Vec::new();
    for request in requests {
        let starts = indices(&graph, request);
        let Some(shortest) = starts.iter().filter_map(|&start| distances[start]).min() else { continue };
        let nearest = starts.into_iter().filter(|&start| distances[start] == Some(shortest));
        let found = descend(&graph, &distances, nearest.collect(), limit);
        chains.extend(found.into_iter().map(|chain| Chain { request: request.text.clone(), units: chain }));
    }
    chains.sort_by_key(|chain| chain.units.len());
    Ok(chains)
}

/// Steps from each unit to `target` along references; `None`: it does not reach it.
fn distances(graph: &Graph, target: usize) -> Vec<Option<usize>> {
    let referrers = graph.referrers();
    let mut distances = vec![None; graph.len()];
    distances[target] = Some(0);
    let mut pending = VecDeque::from([(target, 0)]);
    while let Some((unit, distance)) = pending.pop_front() {
        for &referrer in &referrers[unit] {
            if distances[referrer].is_none() {
                distances[referrer] = Some(distance + 1);
                pending.push_back((referrer, distance + 1));
            }
        }
    }
    distances
}

/// The first `limit` chains along which the distance falls by one with each step. Every such step can be completed, so
/// the work is bounded by the chains' lengths.
fn descend(graph: &Graph, distances: &[Option<usize>], starts: Vec<usize>, limit: usize) -> Vec<Vec<String>> {
    let mut chains = Vec::new();
    let mut pending: Vec<Vec<usize>> = starts.into_iter().rev().map(|start| vec![start]).collect();
    while chains.len() < limit
        && let Some(chain) = pending.pop()
    {
        let Some(&last) = chain.last() else { continue };
        let Some(nearer) = distances[last].and_then(|distance| distance.checked_sub(1)) else {
            chains.push(chain.iter().map(|&unit| graph.unit(unit).id.clone()).collect());
            continue;
        };
        let steps = graph.references(last).iter().filter(|&&unit| distances[unit] == Some(nearer));
        let open: Vec<usize> = steps.take(limit - chains.len()).copied().collect();
        pending.extend(open.into_iter().rev().map(|unit| [chain.as_slice(), &[unit]].concat()));
    }
    chains
}

fn indices(graph: &Graph, request: &Request) -> Vec<usize> {
    let mut indices: Vec<usize> = request.units.iter().filter_map(|id| graph.index(id)).collect();
    indices.sort_unstable();
    indices.dedup();
    indices
}

/// The `count` largest units, largest first.
#[must_use]
pub fn largest(units: &[Unit], count: usize) -> Vec<&Unit> {
    let mut units: Vec<&Unit> = units.iter().collect();
    units.sort_by(|one, other| other.size.cmp(&one.size).then_with(|| one.id.cmp(&other.id)));
    units.truncate(count);
    units
}

/// What each request needs, and needs alone, in the requests' order.
pub fn request_sizes(units: &[Unit], requests: &[Request]) -> Result<Vec<RequestSize>, Error> {
    let graph = Graph::new(units)?;
    let closures: Vec<Vec<bool>> = requests.iter().map(|request| graph.closure(indices(&graph, request))).collect();
    let needed_by = |unit: usize| closures.iter().filter(|closure| closure[unit]).count();
    let shared: Vec<bool> = (0..graph.len()).map(|unit| needed_by(unit) > 1).collect();
    let sizes = requests.iter().zip(&closures).map(|(request, closure)| RequestSize {
        request: request.text.clone(),
        closure: total(&graph, |unit| closure[unit]),
        alone: total(&graph, |unit| closure[unit] && !shared[unit]),
    });
    Ok(sizes.collect())
}

/// Bytes of the units that `which` picks.
fn total(graph: &Graph, which: impl Fn(usize) -> bool) -> u64 {
    let sizes = (0..graph.len()).filter(|&unit| which(unit)).map(|unit| graph.unit(unit).size);
    sizes.fold(0, u64::saturating_add)
}

/// What a change of each request's own units would move, in the requests' order.
pub fn impacts(units: &[Unit], plan: &Plan, requests: &[Request]) -> Result<Vec<Impact>, Error> {
    let graph = Graph::new(units)?;
    let causes = CauseSets::new(&graph, &Options::default().weights)?;
    let layers: Vec<Vec<usize>> =
        plan.layers.iter().map(|layer| layer.units.iter().filter_map(|id| graph.index(id)).collect()).collect();
    let impact = |request: &Request| {
        let mut changing = vec![0; causes.words()];
        for unit in indices(&graph, request) {
            unite(&mut changing, &causes.own(&graph, unit));
        }
        let changes = |unit: usize| intersect(causes.of(unit), &changing);
        let moved = |layer: &Vec<usize>| layer.iter().any(|&unit| changes(unit));
        let moved: Vec<usize> = (0..layers.len()).filter(|&layer| moved(&layers[layer])).collect();
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
