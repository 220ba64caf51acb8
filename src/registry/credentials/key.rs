//! What the keys of stores stand for: `registry.example.org/team/app`, `https://index.docker.io/v1/`.

/// Docker's own registry, as references name it.
const HUB: &str = "docker.io";

/// Docker's own registry, as stores and helpers name it.
pub(super) const HUB_SERVER: &str = "https://index.docker.io/v1/";

/// How well a key fits a repository: the length of the path that both share, more for what is spelled as asked; `None`: not at all.
pub(super) fn fit(key: &str, registry: &str, repository: &str) -> Option<(usize, bool)> {
    let (host, path) = split(key);
    let is_beneath = path.is_empty()
        || repository.strip_prefix(path).is_some_and(|below| below.is_empty() || below.starts_with('/'));
    (canonical(host) == canonical(registry) && is_beneath).then(|| (path.len(), key.starts_with(registry)))
}

/// What to ask a helper for, the usual name first.
pub(super) fn servers(registry: &str) -> Vec<&str> {
    if canonical(registry) == HUB { vec![HUB_SERVER, HUB] } else { vec![registry] }
}

/// Host and namespace. Behind a scheme, and as `v1` or `v2`, a path is docker's and means nothing.
fn split(key: &str) -> (&str, &str) {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    let (host, path) = bare.unwrap_or(key).split_once('/').unwrap_or((bare.unwrap_or(key), ""));
    let path = path.trim_end_matches('/');
    (host, if bare.is_some() || matches!(path, "v1" | "v2") { "" } else { path })
}

/// Docker's registry has several names.
fn canonical(host: &str) -> String {
    match host.to_ascii_lowercase().as_str() {
        "index.docker.io" | "registry-1.docker.io" => HUB.to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_hosts_or_namespaces() {
        let fits = |key, registry, repository| fit(key, registry, repository).map(|(length, _)| length);
        for (key, expected) in [
            ("registry.example.org", Some(0)),
            ("REGISTRY.example.org", Some(0)),
            ("https://registry.example.org", Some(0)),
            ("https://registry.example.org/v2/", Some(0)),
            ("http://registry.example.org/any/path", Some(0)),
            ("registry.example.org/v1/", Some(0)),
            ("registry.example.org/team", Some(4)),
            ("registry.example.org/team/app", Some(8)),
            ("registry.example.org/team/", Some(4)),
            ("registry.example.org/team/ap", None),
            ("registry.example.org/team/app/more", None),
            ("registry.example.org:443", None),
            ("notregistry.example.org", None),
            ("", None),
        ] {
            assert_eq!(fits(key, "registry.example.org", "team/app"), expected, "{key}");
        }
        for key in
            ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "docker.io/library", "registry-1.docker.io"]
        {
            assert!(fits(key, "docker.io", "library/alpine").is_some(), "{key}");
        }
        assert!(
            fit("registry.example.org", "registry.example.org", "a")
                > fit("https://registry.example.org/", "registry.example.org", "a"),
            "as it is spelled"
        );
    }

    #[test]
    fn helpers_know_the_hub_by_its_old_address() {
        assert_eq!(servers("docker.io"), ["https://index.docker.io/v1/", "docker.io"]);
        assert_eq!(servers("localhost:5000"), ["localhost:5000"]);
    }
}
