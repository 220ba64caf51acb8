//! Which of several packages' files stands.

use crate::image::ImagePath;

use super::super::Package;
use super::super::relation;
use super::MergeError;
use super::claims::Claim;

/// Whose file or link stands at `path`: that of the one package that no other of them replaces.
pub(super) fn winner<'a>(
    packages: &[Package<'_>],
    path: &ImagePath,
    claims: &[Claim<'a>],
) -> Result<Claim<'a>, MergeError> {
    let mut standing = Vec::new();
    for claim in claims {
        let mut replaced = false;
        for other in claims {
            replaced |= claim.package != other.package && replaces(&packages[other.package], &packages[claim.package])?;
        }
        if !replaced {
            standing.push(*claim);
        }
    }
    match standing[..] {
        [winner] => Ok(winner),
        _ => {
            let (mutual, among) = if standing.is_empty() { (true, claims) } else { (false, &standing[..]) };
            let name = |index: usize| among.get(index).map(|claim| packages[claim.package].name.clone());
            let one = name(0).unwrap_or_else(|| packages[0].name.clone());
            Err(MergeError::Twice { path: path.clone(), two: name(1).unwrap_or_else(|| one.clone()), one, mutual })
        }
    }
}

/// Whether `one` declares that it may replace files of `other`: by its real name, and in its version.
fn replaces(one: &Package<'_>, other: &Package<'_>) -> Result<bool, MergeError> {
    let unreadable = |source| MergeError::Control { package: one.name.clone(), source };
    let paragraph = one.facts.paragraph().map_err(unreadable)?;
    let Some(field) = paragraph.get("Replaces") else { return Ok(false) };
    let relations = relation::parse_field(field).ok_or_else(|| MergeError::Replaces { package: one.name.clone() })?;
    Ok(relations.iter().flatten().any(|relation| relation.matches(other.name, other.version)))
}
