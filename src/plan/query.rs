//! Questions about a closure: why a unit is there, what is large, what each request alone needs.

use std::collections::VecDeque;

use super::graph::Graph;
use super::{Error, Unit};

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

/// Where the units of `request` are, sorted.
pub(super) fn indices(graph: &Graph, request: &Request) -> Vec<usize> {
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
pub(super) fn total(graph: &Graph, which: impl Fn(usize) -> bool) -> u64 {
    let sizes = (0..graph.len()).filter(|&unit| which(unit)).map(|unit| graph.unit(unit).size);
    sizes.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{request, unit};
    use super::*;

    /// git -> {curl, ssl}, curl -> {ssl, zlib}, ssl <-> rand -> libc, zlib -> libc; doc alone.
    fn closure() -> Vec<Unit> {
        vec![
            unit("git", 1_000, &["curl", "ssl", "git"]),
            unit("curl", 200, &["ssl", "zlib"]),
            unit("ssl", 500, &["rand"]),
            unit("rand", 10, &["ssl", "libc"]),
            unit("zlib", 50, &["libc"]),
            unit("libc", 9_000, &[]),
            unit("doc", 7, &[]),
        ]
    }

    fn requests() -> Vec<Request> {
        vec![request("git^out,doc", &["git", "doc"]), request("curl", &["curl"]), request("gone", &["gone"])]
    }

    fn chains(id: &str, limit: usize) -> Vec<String> {
        let chains = why(&closure(), &requests(), id, limit).expect("distinct");
        chains.iter().map(|chain| format!("{}: {}", chain.request, chain.units.join(" "))).collect()
    }

    #[test]
    fn why_gives_the_shortest_chains_of_each_request() {
        assert_eq!(chains("libc", 1), ["curl: curl zlib libc", "git^out,doc: git curl zlib libc"]);
        let all = ["curl: curl zlib libc", "git^out,doc: git curl zlib libc", "git^out,doc: git ssl rand libc"];
        assert_eq!(chains("libc", 9), all);
        assert_eq!(chains("doc", 9), ["git^out,doc: doc"]);
        assert_eq!(chains("git", 9), ["git^out,doc: git"], "curl does not need git");
        assert_eq!(chains("nobody", 9), [""; 0]);
        assert_eq!(chains("libc", 0), [""; 0]);
    }

    #[test]
    fn why_is_quick_where_there_are_endless_chains() {
        // Forty diamonds, one below the other: 2^40 chains.
        let mut units = vec![unit("40", 1, &[])];
        for step in 0..40 {
            let (left, right, next) = (format!("{step}l"), format!("{step}r"), format!("{}", step + 1));
            units.push(unit(&format!("{step}"), 1, &[&left, &right]));
            units.push(unit(&left, 1, &[&next]));
            units.push(unit(&right, 1, &[&next]));
        }
        let chains = why(&units, &[request("top", &["0"])], "40", 5).expect("distinct");
        assert_eq!(chains.len(), 5);
        assert!(chains.iter().all(|chain| chain.units.len() == 81));
    }

    #[test]
    fn alone_is_what_no_other_request_needs() {
        let sizes = request_sizes(&closure(), &requests()).expect("distinct");
        let figures: Vec<_> = sizes.iter().map(|size| (size.request.as_str(), size.closure, size.alone)).collect();
        assert_eq!(figures, [("git^out,doc", 10_767, 1_007), ("curl", 9_760, 0), ("gone", 0, 0)]);
    }

    #[test]
    fn largest_breaks_ties_by_id() {
        let mut units = closure();
        units.push(unit("aaa", 1_000, &[]));
        let ids: Vec<&str> = largest(&units, 3).iter().map(|unit| unit.id.as_str()).collect();
        assert_eq!(ids, ["libc", "aaa", "git"]);
    }
}
