//! Random archives, held against a checker and a search that share nothing with the solver.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::deb::{Target, parse_groups, parse_provided, parse_targets};

fn target() -> impl Strategy<Value = String> {
    let version = prop_oneof![3 => Just(""), 1 => Just(" (>= 2)"), 1 => Just(" (<< 2)"), 1 => Just(" (= 1)")];
    (0..6_u8, version).prop_map(|(name, version)| format!("p{name}{version}"))
}

fn field(name: &'static str, separator: &'static str, most: usize) -> impl Strategy<Value = String> {
    let group = proptest::collection::vec(target(), 1..=2).prop_map(move |group| group.join(separator));
    proptest::collection::vec(group, 0..=most).prop_map(move |groups| format!("{name}: {}", groups.join(", ")))
}

fn provides() -> impl Strategy<Value = String> {
    let provided = (0..8_u8, prop_oneof![Just(""), Just(" (= 1)"), Just(" (= 2)")]);
    let names = proptest::collection::vec(provided.prop_map(|(name, version)| format!("p{name}{version}")), 0..=1);
    names.prop_map(|names| format!("Provides: {}", names.join(", ")))
}

fn relations() -> impl Strategy<Value = String> {
    let (depends, recommends) = (field("Depends", " | ", 2), field("Recommends", " | ", 1));
    let fields = (depends, recommends, field("Conflicts", ", ", 1), provides());
    fields.prop_map(|(depends, recommends, conflicts, provides)| {
        format!("{depends}; {recommends}; {conflicts}; {provides}")
    })
}

/// Up to ten packages of six names, in versions 1 and 2.
fn packages() -> impl Strategy<Value = Vec<Candidate>> {
    let line =
        (0..6_u8, 1..3_u8, relations()).prop_map(|(name, version, relations)| format!("p{name} {version} {relations}"));
    proptest::collection::vec(line, 1..=10).prop_map(|mut lines| {
        lines.sort();
        lines.dedup_by_key(|line| line.split(' ').take(2).collect::<String>());
        lines.iter().map(|line| package("debian", line)).collect()
    })
}

fn answers(candidate: &Candidate, target: &Target) -> bool {
    let provided = parse_provided(&candidate.relations.provides).unwrap();
    (candidate.name == target.name && target.admits(Some(&candidate.version)))
        || provided.iter().any(|provided| provided.name == target.name && target.admits(provided.version.as_ref()))
}

/// Whether these stand together, need nothing else, and hold what is wished for.
fn is_solution(taken: &[&Candidate], wishes: &[Wish]) -> bool {
    let any = |target: &Target| taken.iter().any(|other| answers(other, target));
    let satisfied = |one: &&&Candidate| {
        let groups = parse_groups(&one.relations.depends).unwrap();
        let against = parse_targets(&one.relations.conflicts).unwrap();
        let hit = |target: &Target| taken.iter().any(|other| other.name != one.name && answers(other, target));
        groups.iter().all(|group| group.iter().any(any)) && !against.iter().any(hit)
    };
    let names: BTreeSet<_> = taken.iter().map(|taken| &taken.name).collect();
    let granted = |wish: &Wish| taken.iter().any(|taken| taken.name == wish.name);
    names.len() == taken.len() && taken.iter().all(|one| satisfied(&one)) && wishes.iter().all(granted)
}

/// Tries every set of packages.
fn has_solution(candidates: &[Candidate], wishes: &[Wish]) -> bool {
    (0..1_u32 << candidates.len()).any(|set| {
        let taken: Vec<_> = (0..candidates.len()).filter(|at| set & (1 << at) != 0).map(|at| &candidates[at]).collect();
        is_solution(&taken, wishes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_solution_is_found_where_there_is_one_and_it_holds(
        candidates in packages(),
        wished in proptest::collection::vec(any::<Index>(), 1..4),
        recommends in any::<bool>(),
    ) {
        let wished: BTreeSet<&str> = wished.iter().map(|index| index.get(&candidates).name.as_str()).collect();
        let mut problem = problem(&wished.into_iter().collect::<Vec<_>>().join(" "));
        problem.recommending.extend(recommends.then(|| "debian".to_owned()));
        match solve(&problem, &candidates) {
            Ok(chosen) => {
                let taken: Vec<_> = chosen.iter().map(|chosen| &candidates[chosen.candidate]).collect();
                prop_assert!(is_solution(&taken, &problem.wishes), "{taken:#?}");
                for chosen in &chosen {
                    for name in &chosen.depends {
                        prop_assert!(taken.iter().any(|taken| taken.name == *name));
                    }
                }
            }
            Err(error) => prop_assert!(!has_solution(&candidates, &problem.wishes), "{error}"),
        }
    }

    #[test]
    fn the_order_of_candidates_changes_nothing(
        (candidates, shuffled) in packages().prop_flat_map(|packages| (Just(packages.clone()), Just(packages).prop_shuffle())),
        wished in any::<Index>(),
        recommends in any::<bool>(),
    ) {
        let mut problem = problem(wished.get(&candidates).name.as_str());
        if recommends {
            problem.recommending.insert("debian".to_owned());
        }
        prop_assert_eq!(solved(&problem, &candidates), solved(&problem, &shuffled));
    }
}
