//! What a folder of several packages looks like.

use crate::image::tree::Metadata;

use super::super::Package;
use super::claims::Claim;

/// Who decides about a folder that everybody knows.
const BASE: &str = "base-files";

/// What a folder is where nobody says more.
const PLAIN: Metadata = Metadata::root(0o755);

/// The claim that decides a folder's metadata, whatever the packages' order: what base-files says; else what differs from
/// root's 0755, as that is what a package has for a folder that it only puts something into; of several such the one with the
/// fewest permission bits for others, then for the group; then the highest mode, group and user.
pub(super) fn deciding<'a>(packages: &[Package<'_>], folders: &[Claim<'a>]) -> Option<Claim<'a>> {
    let rank = |claim: &Claim<'_>| {
        let Metadata { mode, uid, gid } = claim.entry.metadata;
        let is_base = packages[claim.package].name.as_str() == BASE;
        let special = claim.entry.metadata != PLAIN;
        (
            !is_base,
            !special,
            (mode & 0o7).count_ones(),
            (mode & 0o70).count_ones(),
            u32::MAX - mode,
            u32::MAX - gid,
            u32::MAX - uid,
        )
    };
    // Of equals the first stands: that of the first package by name.
    folders.iter().copied().min_by_key(rank)
}
