//! A closure as a graph of indices.
//!
//! Indices follow the order of ids, so what is decided by index is decided by id, however the units came.

use super::{Error, Unit};

/// Units and the references among them.
pub(super) struct Graph<'a> {
    /// Sorted by id.
    units: Vec<&'a Unit>,
    /// For each unit the units it refers to, sorted, without itself.
    references: Vec<Vec<usize>>,
}

impl<'a> Graph<'a> {
    /// Sorts and links `units`; ids must be unique.
    pub(super) fn new(units: &'a [Unit]) -> Result<Self, Error> {
        let mut units: Vec<&Unit> = units.iter().collect();
        units.sort_by(|one, other| one.id.cmp(&other.id));
        if let Some(pair) = units.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(Error::DuplicateUnit { id: pair[0].id.clone() });
        }
        let mut graph = Self { units, references: Vec::new() };
        graph.references = (0..graph.len()).map(|unit| graph.resolve(unit)).collect();
        Ok(graph)
    }

    fn resolve(&self, unit: usize) -> Vec<usize> {
        let found = self.units[unit].references.iter().filter_map(|id| self.index(id));
        let mut references: Vec<usize> = found.filter(|&target| target != unit).collect();
        references.sort_unstable();
        references.dedup();
        references
    }

    /// Number of units.
    pub(super) fn len(&self) -> usize {
        self.units.len()
    }

    /// The unit at `index`.
    pub(super) fn unit(&self, index: usize) -> &'a Unit {
        self.units[index]
    }

    /// Where the unit with this id is.
    pub(super) fn index(&self, id: &str) -> Option<usize> {
        self.units.binary_search_by(|unit| unit.id.as_str().cmp(id)).ok()
    }

    /// What `unit` refers to, sorted.
    pub(super) fn references(&self, unit: usize) -> &[usize] {
        &self.references[unit]
    }

    /// For each unit the units that refer to it, sorted.
    pub(super) fn referrers(&self) -> Vec<Vec<usize>> {
        let mut referrers = vec![Vec::new(); self.len()];
        for (unit, references) in self.references.iter().enumerate() {
            for &target in references {
                referrers[target].push(unit);
            }
        }
        referrers
    }

    /// Which units `from` reaches, itself included.
    pub(super) fn closure(&self, from: impl IntoIterator<Item = usize>) -> Vec<bool> {
        let mut reached = vec![false; self.len()];
        let mut pending: Vec<usize> = from.into_iter().collect();
        while let Some(unit) = pending.pop() {
            if !std::mem::replace(&mut reached[unit], true) {
                pending.extend(self.references(unit));
            }
        }
        reached
    }

    /// Depth-first post-order: what a unit refers to comes before it, cycles side by side.
    pub(super) fn post_order(&self) -> Vec<usize> {
        self.components().concat()
    }

    /// Strongly connected components (Tarjan's), in depth-first post-order: a component comes after all that it refers
    /// to. Most have one unit; a cycle of references is one component.
    pub(super) fn components(&self) -> Vec<Vec<usize>> {
        let referrers = self.referrers();
        let (tops, others): (Vec<usize>, Vec<usize>) = (0..self.len()).partition(|&unit| referrers[unit].is_empty());
        let mut walk = Walk::new(self);
        for start in tops.into_iter().chain(others) {
            walk.from(start);
        }
        walk.components
    }
}

/// Tarjan's algorithm with a stack of its own: chains of references may be as long as the closure.
struct Walk<'g, 'a> {
    graph: &'g Graph<'a>,
    /// When each unit was met; `None`: not yet.
    met: Vec<Option<usize>>,
    /// The earliest met unit that is known to be in each unit's cycle.
    earliest: Vec<usize>,
    open: Vec<bool>,
    stack: Vec<usize>,
    next: usize,
    components: Vec<Vec<usize>>,
}

impl<'g, 'a> Walk<'g, 'a> {
    fn new(graph: &'g Graph<'a>) -> Self {
        let count = graph.len();
        let (met, earliest, open) = (vec![None; count], vec![0; count], vec![false; count]);
        Self { graph, met, earliest, open, stack: Vec::new(), next: 0, components: Vec::new() }
    }

    fn from(&mut self, start: usize) {
        if self.met[start].is_some() {
            return;
        }
        self.enter(start);
        let mut calls = vec![(start, 0)];
        while let Some((unit, edge)) = calls.last_mut() {
            let unit = *unit;
            let Some(&target) = self.graph.references(unit).get(*edge) else {
                calls.pop();
                self.leave(unit, calls.last().map(|&(caller, _)| caller));
                continue;
            };
            *edge += 1;
            match self.met[target] {
                None => {
                    self.enter(target);
                    calls.push((target, 0));
                }
                Some(met) if self.open[target] => self.earliest[unit] = self.earliest[unit].min(met),
                Some(_) => {}
            }
        }
    }

    fn enter(&mut self, unit: usize) {
        self.met[unit] = Some(self.next);
        self.earliest[unit] = self.next;
        self.open[unit] = true;
        self.stack.push(unit);
        self.next += 1;
    }

    fn leave(&mut self, unit: usize, caller: Option<usize>) {
        if let Some(caller) = caller {
            self.earliest[caller] = self.earliest[caller].min(self.earliest[unit]);
        }
        if self.met[unit] == Some(self.earliest[unit]) {
            let start = self.stack.iter().rposition(|&open| open == unit).unwrap_or(0);
            let mut component = self.stack.split_off(start);
            for &member in &component {
                self.open[member] = false;
            }
            component.sort_unstable();
            self.components.push(component);
        }
    }
}
