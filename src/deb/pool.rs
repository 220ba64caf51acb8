//! Where an archive keeps its files.

/// Whether `path` is a path below a mirror, such as `pool/main/g/git/git_2.39.5-0+deb12u2_amd64.deb`: relative, without `..`, and of
/// characters that mean nothing in an address.
#[must_use]
pub fn is_pool_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+.-_~:%=,@".contains(&byte);
    let component = |name: &str| !name.is_empty() && name != "." && name != ".." && name.bytes().all(plain);
    path.len() <= 1000 && path.split('/').all(component)
}

#[cfg(test)]
mod tests {
    use super::is_pool_path;

    #[test]
    fn only_plain_relative_paths() {
        assert!(is_pool_path("pool/main/g/g++-12/g++-12_12.2.0-14+deb12u1_amd64.deb"));
        assert!(is_pool_path("pool/main/g/git/git_1%3a2.39_all.deb"));
        for path in ["", "/pool/x", "pool//x", "pool/../x", "../x", "pool/x?y", "pool/x#y", "pool/x y", "a\\b", "pool/"]
        {
            assert!(!is_pool_path(path), "{path}");
        }
    }
}
