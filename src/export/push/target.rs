//! Where images go: what the command line says, else the files, else fly.toml.

use crate::config::ImageSettings;
use crate::registry::Reference;

use super::PushError;

/// What is known of where to push beside system.toml.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// `REF` on the command line.
    pub reference: Option<&'a str>,
    /// `--tag`.
    pub tags: &'a [String],
    /// `app` of fly.toml.
    pub fly_app: Option<&'a str>,
    /// Hosts of Fly's registry, the one that is used first.
    pub fly_hosts: &'a [&'a str],
}

/// A repository and tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Registry and repository, with the first of the tags.
    pub reference: Reference,
    /// Each once, as they were given.
    pub tags: Vec<String>,
    /// Whether it is Fly's registry.
    pub is_fly: bool,
}

/// The repository that the command line names, else the one of [image], else that of fly.toml's app. The tags are those of `--tag`
/// and of the reference, else the image's.
pub fn target(image: &ImageSettings, asked: &Asked<'_>) -> Result<Target, PushError> {
    let text = repository(image, asked).ok_or(PushError::Nowhere)?;
    let parsed = text.parse::<Reference>()?;
    if parsed.digest.is_some() {
        return Err(PushError::Digest(text));
    }
    let own = if has_tag(&text) { parsed.tag.clone() } else { None };
    let mut tags = Vec::new();
    for tag in own.iter().chain(asked.tags) {
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    if tags.is_empty() {
        tags.push(image.tag.clone());
    }
    tags.iter().try_for_each(|tag| Reference::check_tag(tag))?;
    let named = |tag: &String| Reference { tag: Some(tag.clone()), ..parsed.clone() };
    let is_fly = asked.fly_hosts.contains(&parsed.registry.as_str());
    let reference = tags.first().map_or_else(|| parsed.clone(), named);
    Ok(Target { reference, tags, is_fly })
}

/// As text: it is parsed as what a user types is.
fn repository(image: &ImageSettings, asked: &Asked<'_>) -> Option<String> {
    let host = image.name.split_once('/').map_or("", |(host, _)| host);
    match (asked.reference, &image.registry, asked.fly_app) {
        (Some(reference), ..) => Some(reference.to_owned()),
        (None, Some(registry), _) => Some(format!("{registry}/{}", image.name)),
        (None, None, _) if host.contains('.') => Some(image.name.clone()),
        (None, None, Some(app)) => asked.fly_hosts.first().map(|host| format!("{host}/{app}")),
        (None, None, None) => None,
    }
}

/// Whether a reference names a tag itself: the port of a host is none.
fn has_tag(text: &str) -> bool {
    text.rsplit('/').next().is_some_and(|last| last.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn image(extra: &str) -> ImageSettings {
        let name = if extra.contains("name =") { "" } else { "name = \"app\"\n" };
        let system = format!("[image]\n{name}{extra}\n[boot]\nenable = false\n");
        let loaded = config::parse(&config::Sources { system: Some(system), ..config::Sources::default() });
        loaded.machine.expect("the files are right").image
    }

    fn found(image: &ImageSettings, reference: Option<&str>, tags: &[&str], fly_app: Option<&str>) -> String {
        let tags = tags.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>();
        let asked = Asked { reference, tags: &tags, fly_app, fly_hosts: &["fly.test", "registry.fly.io"] };
        match target(image, &asked) {
            Ok(Target { reference, tags, is_fly }) => {
                format!("{reference} {}{}", tags.join(","), if is_fly { " fly" } else { "" })
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_command_line_then_the_files_then_fly() {
        let plain = image("");
        let ours = image("registry = \"r.io:5000/team\"\ntag = \"t\"");
        assert_eq!(found(&ours, Some("x.io/a"), &[], Some("fly")), "x.io/a:t t");
        assert_eq!(found(&ours, None, &[], Some("fly")), "r.io:5000/team/app:t t");
        assert_eq!(found(&plain, None, &[], Some("fly")), "fly.test/fly:latest latest fly");
        assert_eq!(found(&plain, Some("registry.fly.io/a"), &[], None), "registry.fly.io/a:latest latest fly");
        assert_eq!(
            found(&image("registry = \"registry.fly.io\""), None, &[], None),
            "registry.fly.io/app:latest latest fly"
        );
        assert_eq!(
            found(&image("name = \"ghcr.io/team/app\""), None, &[], Some("fly")),
            "ghcr.io/team/app:latest latest"
        );
        assert_eq!(found(&plain, None, &[], None), "nothing says where to push");
    }

    #[test]
    fn tags_are_those_that_somebody_names() {
        let image = image("tag = \"t\"");
        assert_eq!(found(&image, Some("localhost:5000/a"), &[], None), "localhost:5000/a:t t");
        assert_eq!(found(&image, Some("r.io/a:1"), &[], None), "r.io/a:1 1");
        assert_eq!(found(&image, Some("r.io/a"), &["x", "y", "x"], None), "r.io/a:x x,y");
        assert_eq!(found(&image, Some("r.io/a:1"), &["latest"], None), "r.io/a:1 1,latest");
        assert!(found(&image, Some("r.io/a"), &["-x"], None).contains("begins with a dot or hyphen"));
        assert!(found(&image, Some("r.io/A"), &[], None).contains("lower case"));
        let digest = format!("r.io/a@{}", crate::nix::Sha256::of(b"").oci());
        assert!(found(&image, Some(&digest), &[], None).ends_with("it follows from the image"));
    }
}
