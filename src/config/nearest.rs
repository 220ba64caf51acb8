//! Which of the known names someone meant.

/// The candidate nearest to `name`, where one is near enough to be meant. Case, `-` and `_` count for nothing, so
/// `authorizedKeys` finds `authorized-keys`.
#[must_use]
pub fn nearest<'candidate>(
    name: &str,
    candidates: impl IntoIterator<Item = &'candidate str>,
) -> Option<&'candidate str> {
    /// Longer names are no slips of the pen, and comparing them takes quadratic time.
    const LONGEST: usize = 100;
    let wanted = plain(name);
    if wanted.chars().count() > LONGEST {
        return None;
    }
    let allowed = (wanted.chars().count().div_ceil(4)).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min()
        .map(|(_, candidate)| candidate)
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

/// "did you mean `x`?" where something is near, else the known names where they are few.
pub(super) fn suggestion<'candidate>(
    name: &str,
    kind: &str,
    candidates: impl Iterator<Item = &'candidate str> + Clone,
) -> Option<String> {
    if let Some(near) = nearest(name, candidates.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let known: Vec<_> = candidates.map(|candidate| format!("`{candidate}`")).collect();
    match known.len() {
        1 => Some(format!("the only {kind} is {}", known[0])),
        2..=16 => Some(format!("{kind}s are {}", known.join(", "))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_other_spellings() {
        let keys = ["packages", "authorized-keys", "port"];
        assert_eq!(nearest("pakages", keys), Some("packages"));
        assert_eq!(nearest("authorizedKeys", keys), Some("authorized-keys"));
        assert_eq!(nearest("prot", keys), Some("port"));
        assert_eq!(nearest("volume", keys), None);
        assert_eq!(nearest("x", ["a", "b"]), None);
    }
}
