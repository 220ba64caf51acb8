//! The forms of names, as those who will read them demand.

/// A user or group: what useradd takes.
pub(super) fn is_user_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 32
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
}

/// A daemon or channel.
pub(super) fn is_plain_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && !name.starts_with(['-', '.'])
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// An environment variable that a shell can name: secrets.
pub(super) fn is_variable_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A host name of labels, at most 64 bytes, as Linux has it.
pub(super) fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.len() <= 64 && name.split('.').all(label)
}

/// OCI's repository name: components of lower case letters and digits, with single separators, between slashes.
pub(super) fn is_image_name(name: &str) -> bool {
    (1..=255).contains(&name.len()) && name.split('/').all(is_image_name_component)
}

fn is_image_name_component(component: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    if !(bytes.first().is_some_and(is_word) && bytes.last().is_some_and(is_word)) {
        return false;
    }
    let separators = bytes.split(is_word).filter(|run| !run.is_empty());
    separators.into_iter().all(|run| matches!(run, b"." | b"_" | b"__") || run.iter().all(|byte| *byte == b'-'))
}

/// OCI's tag.
pub(super) fn is_tag(tag: &str) -> bool {
    (1..=128).contains(&tag.len())
        && !tag.starts_with(['.', '-'])
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// A registry: host, maybe a port, maybe a prefix of repositories.
pub(super) fn is_registry(registry: &str) -> bool {
    let (host, prefix) = match registry.split_once('/') {
        Some((host, prefix)) => (host, Some(prefix)),
        None => (registry, None),
    };
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    let is_address = name.starts_with('[') && name.ends_with(']');
    (is_host_name(name) || is_address)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
        && prefix.is_none_or(is_image_name)
}

/// Why a text is no `[HOST/]NAME[:TAG][@sha256:…]`; whoever asks for the image knows the grammar in full.
pub(super) fn image_reference_fault(text: &str) -> Option<&'static str> {
    let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_digest = |digest: &str| {
        let hex = digest.strip_prefix("sha256:");
        hex.is_some_and(|hex| hex.len() == 64 && hex.bytes().all(is_hex))
    };
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (rest, None),
    };
    if text.contains("://") {
        Some("it begins with a scheme")
    } else if digest.is_some_and(|digest| !is_digest(digest)) {
        Some("what follows `@` is no `sha256:` digest")
    } else if tag.is_some_and(|tag| !is_tag(tag)) {
        Some("its tag can't be one")
    } else if is_image_name(name) || (name.contains('/') && is_registry(name)) {
        None
    } else {
        Some("its name has other characters than lower case letters, digits, and `.`, `_`, `-`, `/` between them")
    }
}

/// A time zone of tzdata.
pub(super) fn is_timezone(zone: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'-'))
    };
    zone.len() <= 64 && zone.split('/').all(part)
}

/// A locale: `C.UTF-8`, `de_DE.UTF-8@euro`.
pub(super) fn is_locale(locale: &str) -> bool {
    (1..=64).contains(&locale.len())
        && locale.starts_with(|c: char| c.is_ascii_alphabetic())
        && locale.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'@'))
}

/// An absolute path without `.`, `..`, double and trailing slashes; or what is wrong with it.
pub(super) fn normalise_absolute(path: &str) -> Result<String, &'static str> {
    let Some(relative) = path.strip_prefix('/') else { return Err("is not absolute") };
    normalise_relative(relative).map(|normal| format!("/{normal}"))
}

/// A relative path without `.`, `..`, double and trailing slashes; or what is wrong with it.
pub(super) fn normalise_relative(path: &str) -> Result<String, &'static str> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err("has a `..`"),
            _ if part.starts_with(".wh.") => return Err("has a name beginning `.wh.`, which container images reserve"),
            _ if part.len() > 255 => return Err("has a name of more than 255 bytes"),
            _ if part.contains(char::is_control) => return Err("has a control character"),
            _ => parts.push(part),
        }
    }
    if path.len() > 4000 { Err("is longer than 4000 bytes") } else { Ok(parts.join("/")) }
}

/// Whether `path` is `folder` or lies below it; both normalised.
pub(super) fn lies_in(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_names_follow_the_reference_grammar() {
        for good in ["lazycoder", "a/b/c", "a-b", "a--b", "a_b", "a__b", "a.b", "0"] {
            assert!(is_image_name(good), "{good}");
        }
        for bad in ["", "A", "a..b", "a___b", "-a", "a-", "a/", "/a", "a//b", "a:b", "a b", "a._b"] {
            assert!(!is_image_name(bad), "{bad}");
        }
    }

    #[test]
    fn registries_have_host_port_and_prefix() {
        for good in ["registry.fly.io", "localhost:5000", "ghcr.io/owner", "[::1]:5000"] {
            assert!(is_registry(good), "{good}");
        }
        for bad in ["", "https://registry.fly.io", "host:port", "host:0", "host/", "ho st"] {
            assert!(!is_registry(bad), "{bad}");
        }
    }

    #[test]
    fn paths_are_normalised() {
        assert_eq!(normalise_absolute("/etc//./motd/"), Ok("/etc/motd".to_owned()));
        assert_eq!(normalise_absolute("/"), Ok("/".to_owned()));
        assert!(normalise_absolute("etc").is_err());
        assert!(normalise_absolute("/a/../b").is_err());
        assert!(normalise_absolute("/a/.wh.b").is_err());
        assert!(lies_in("/data/x", "/data") && lies_in("/data", "/data") && !lies_in("/database", "/data"));
    }

    #[test]
    fn names_of_users_hosts_zones_and_locales() {
        assert!(is_user_name("alice") && is_user_name("_x-1") && !is_user_name("Alice") && !is_user_name("1a"));
        assert!(is_host_name("a.example-b") && !is_host_name("-a") && !is_host_name("a_b") && !is_host_name(""));
        assert!(is_timezone("Europe/Berlin") && is_timezone("Etc/GMT+1") && !is_timezone("../etc/passwd"));
        assert!(is_locale("C.UTF-8") && is_locale("de_DE.UTF-8") && !is_locale("C UTF") && !is_locale("$(x)"));
    }
}
