//! The image that all clients get: made once, gone when the last of them is done.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};

use crate::support::project::{Built, Project};
use crate::support::shared;

/// An image of real packages, in several forms.
pub(super) struct BaseImage {
    pub(super) project: Project,
    /// As `dumbc build` writes it by default.
    pub(super) archive: Built,
}

const PACKAGES: &str =
    r#"["bash", "coreutils", "git", "ripgrep", "curl", "sqlite3", "jq", "ca-certificates", "base-files", "hello"]"#;

static SHARED: Mutex<Weak<BaseImage>> = Mutex::new(Weak::new());

/// The image; `None` where the packages are absent.
pub(super) fn base_image() -> Option<Arc<BaseImage>> {
    let cache = shared("nixcache/base")?;
    let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(image) = shared.upgrade() {
        return Some(image);
    }
    let image = Arc::new(build(&cache));
    *shared = Arc::downgrade(&image);
    Some(image)
}

fn build(cache: &std::path::Path) -> BaseImage {
    let key = std::fs::read_to_string(cache.with_file_name("base.key.pub")).unwrap();
    let index = cache.with_file_name("base.index.jsonl");
    let project = Project::new();
    let channel = format!(
        "[channels.base]\nindex = \"{}\"\ncaches = [\"{}\"]\nkeys = [\"{}\"]\n",
        index.display(),
        cache.display(),
        key.trim()
    );
    let rest = "[image]\nname = \"dumbc-test/base\"\ntag = \"it\"\nlayers = 40\n[nix]\n";
    project.file("system.toml", format!("channel = \"base\"\npackages = {PACKAGES}\n{channel}{rest}"));
    let archive = project.build("base.tar.gz", &[]);
    BaseImage { project, archive }
}

impl BaseImage {
    /// The image in another form, made of the fragments that are there.
    pub(super) fn build(&self, name: &str, arguments: &[&str]) -> Built {
        let built = self.project.build(name, &[arguments, &["--locked", "--offline"]].concat());
        assert_eq!(built.image_id(), self.archive.image_id());
        built
    }

    /// A new folder beside the project.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.project.beside(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    }

    /// The digest of the manifest in a registry or OCI layout.
    pub(super) fn oci_digest(&self) -> &str {
        self.archive.document["images"][0]["manifests"]["oci"].as_str().unwrap()
    }
}
