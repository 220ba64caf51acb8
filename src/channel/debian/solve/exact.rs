//! The complete search, for what apt's way does not find: a SAT solver that takes back what it chose.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use resolvo::{
    Candidates, Condition, ConditionId, Dependencies, DependencyProvider, HintDependenciesAvailable, Interner,
    KnownDependencies, NameId, Problem, Requirement, SolvableId, Solver, SolverCache, StringId, UnsolvableOrCancelled,
    VersionSetId, VersionSetUnionId,
};

use super::offers::{Id, Offers};

/// The search asks about so many rounds at most. Debian's need a few thousand.
const ROUNDS: u64 = 300_000;

/// Why there is no solution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoSolution {
    /// There is none.
    Impossible,
    /// None was found in the rounds that are allowed.
    GaveUp,
}

/// Finds packages, at most one of a name, that hold one of each wish's and all that they need. `favoured` ones are tried first.
pub(super) fn search(
    offers: &Offers<'_>,
    wishes: &[Vec<Id>],
    favoured: &BTreeMap<&str, Id>,
) -> Result<Vec<Id>, NoSolution> {
    let space = Space::new(offers, favoured);
    let wanted = wishes.iter().map(|wish| Requirement::Union(space.union(wish.clone())).into()).collect();
    let mut solver = Solver::new(space);
    match solver.solve(Problem::new().requirements(wanted)) {
        Ok(solution) => Ok(solution.into_iter().map(SolvableId::into_raw).collect()),
        Err(UnsolvableOrCancelled::Unsolvable(_)) => Err(NoSolution::Impossible),
        Err(UnsolvableOrCancelled::Cancelled(_)) => Err(NoSolution::GaveUp),
    }
}

/// The offers in the solver's terms. A set of versions is the list of a name's packages that belong to it; a name is known by its
/// first package.
struct Space<'a> {
    offers: &'a Offers<'a>,
    favoured: &'a BTreeMap<&'a str, Id>,
    sets: RefCell<Vec<(Id, Vec<Id>)>>,
    known_sets: RefCell<HashMap<(Id, Vec<Id>), VersionSetId>>,
    unions: RefCell<Vec<Vec<VersionSetId>>>,
    rounds: Cell<u64>,
}

impl<'a> Space<'a> {
    fn new(offers: &'a Offers<'a>, favoured: &'a BTreeMap<&'a str, Id>) -> Self {
        let (sets, known_sets, unions) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self { offers, favoured, sets, known_sets, unions, rounds: Cell::new(0) }
    }

    fn is_favoured(&self, id: Id) -> bool {
        self.favoured.get(self.offers.candidate(id).name.as_str()) == Some(&id)
    }

    /// The set of these packages, which have the name whose first package is `name`.
    fn set(&self, name: Id, members: Vec<Id>) -> VersionSetId {
        let (mut sets, mut known) = (self.sets.borrow_mut(), self.known_sets.borrow_mut());
        *known.entry((name, members)).or_insert_with_key(|key| {
            sets.push(key.clone());
            VersionSetId(count(sets.len() - 1))
        })
    }

    /// One of these, the first one that can be. No choice at all is a union of nothing.
    fn union(&self, mut choices: Vec<Id>) -> VersionSetUnionId {
        choices.sort_by_key(|&id| !self.is_favoured(id));
        let runs = choices.chunk_by(|&one, &two| self.offers.preferred(one) == self.offers.preferred(two));
        let sets = runs.filter_map(|run| Some(self.set(self.offers.preferred(*run.first()?), run.to_vec()))).collect();
        let mut unions = self.unions.borrow_mut();
        unions.push(sets);
        VersionSetUnionId(count(unions.len() - 1))
    }

    /// What `id` is against, as what is left of each name.
    fn constraints(&self, id: Id, relations: &super::offers::Relations) -> Vec<VersionSetId> {
        let own = self.offers.preferred(id);
        let mut excluded: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
        for against in &relations.against {
            for other in self.offers.all_answers(&against.target) {
                excluded.entry(self.offers.preferred(other)).or_default().push(other);
            }
        }
        // A package may conflict with a name that it provides: it means the others.
        excluded.remove(&own);
        let rest = |(name, excluded): (Id, Vec<Id>)| {
            let all = self.offers.named(self.offers.candidate(name).name.as_str());
            self.set(name, all.filter(|id| !excluded.contains(id)).collect())
        };
        excluded.into_iter().map(rest).collect()
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Interner for Space<'_> {
    type NameId = NameId;
    type SolvableId = SolvableId;

    fn display_solvable(&self, solvable: SolvableId) -> impl Display + '_ {
        self.offers.describe(solvable.into_raw())
    }

    fn display_name(&self, name: NameId) -> impl Display + '_ {
        self.offers.candidate(name.into_raw()).name.as_str()
    }

    fn display_version_set(&self, version_set: VersionSetId) -> impl Display + '_ {
        version_set.0
    }

    fn display_string(&self, _: StringId) -> impl Display + '_ {
        "its relations can't be read"
    }

    fn version_set_name(&self, version_set: VersionSetId) -> NameId {
        let sets = self.sets.borrow();
        NameId::from_raw(sets.get(version_set.0 as usize).map_or(0, |(name, _)| *name))
    }

    fn solvable_name(&self, solvable: SolvableId) -> NameId {
        NameId::from_raw(self.offers.preferred(solvable.into_raw()))
    }

    fn version_sets_in_union(&self, union: VersionSetUnionId) -> impl Iterator<Item = VersionSetId> {
        self.unions.borrow().get(union.0 as usize).cloned().unwrap_or_default().into_iter()
    }

    /// No requirement of ours has a condition; this one never holds for anything.
    fn resolve_condition(&self, _: ConditionId) -> Condition {
        Condition::Requirement(VersionSetId(0))
    }
}

impl DependencyProvider for Space<'_> {
    async fn filter_candidates(&self, candidates: &[SolvableId], set: VersionSetId, inverse: bool) -> Vec<SolvableId> {
        let sets = self.sets.borrow();
        let members = sets.get(set.0 as usize).map(|(_, members)| members.as_slice()).unwrap_or_default();
        candidates.iter().copied().filter(|id| members.contains(&id.into_raw()) != inverse).collect()
    }

    async fn get_candidates(&self, name: NameId) -> Option<Candidates> {
        let named = self.offers.named(self.offers.candidate(name.into_raw()).name.as_str());
        Some(Candidates {
            candidates: named.map(SolvableId::from_raw).collect(),
            // Asked for all, the solver would read every alternative's alternatives.
            hint_dependencies_available: HintDependenciesAvailable::None,
            ..Candidates::default()
        })
    }

    async fn sort_candidates(&self, _: &SolverCache<Self>, solvables: &mut [SolvableId]) {
        solvables.sort_by_key(|id| (!self.is_favoured(id.into_raw()), id.into_raw()));
    }

    async fn get_dependencies(&self, solvable: SolvableId) -> Dependencies {
        let id = solvable.into_raw();
        let Ok(relations) = self.offers.relations(id) else { return Dependencies::Unknown(StringId(0)) };
        let needed = |group| Requirement::Union(self.union(self.offers.choices(group))).into();
        let requirements = relations.depends.iter().map(|group| needed(group)).collect();
        Dependencies::Known(KnownDependencies { requirements, constrains: self.constraints(id, relations) })
    }

    fn should_cancel_with_value(&self) -> Option<Box<dyn std::any::Any>> {
        self.rounds.set(self.rounds.get() + 1);
        (self.rounds.get() > ROUNDS).then(|| Box::new(()) as _)
    }
}
