//! The same against a real registry, where this machine has one.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::*;
use crate::registry::{Identifier, Uploaded};

/// `docker-registry` on a free port, ended when it is dropped.
struct Real {
    child: Child,
    host: String,
    _folder: tempfile::TempDir,
}

impl Real {
    /// `None` where it is not installed. `auth` is a part of its configuration.
    fn start(auth: impl Fn(&std::path::Path) -> String) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display();
        let auth = auth(folder.path());
        let config = format!(
            "version: 0.1\nstorage: {{ filesystem: {{ rootdirectory: {place}/data }}, delete: {{ enabled: true }} }}\n\
             http: {{ addr: '127.0.0.1:0', secret: x }}\n{auth}"
        );
        let path = folder.path().join("config.yml");
        std::fs::write(&path, config).unwrap();
        let mut command = Command::new("docker-registry");
        let spawned = command.arg("serve").arg(&path).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let Ok(mut child) = spawned else {
            eprintln!("skipped: there is no docker-registry here");
            return None;
        };
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut host = String::new();
        while host.is_empty() {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "docker-registry did not start");
            let after = line.split_once("listening on ").map_or("", |(_, after)| after);
            host = after.chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect();
        }
        std::thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        Some(Self { child, host, _folder: folder })
    }

    fn reference(&self, name: &str) -> Reference {
        format!("{}/{name}", self.host).parse().unwrap()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client(credentials: Arc<dyn CredentialSource>) -> Registry {
    let mut registry = Registry::new(settings(&Arc::new(TestClock::default())), credentials).unwrap();
    registry.part = 300_000;
    registry
}

fn whole_round(registry: &Registry, real: &Real) {
    let repository = registry.repository(&real.reference("team/app:v1"));
    for size in [0, 10, 299_999, 1_000_000] {
        let blob = Blob::of_size(size);
        assert_eq!(repository.upload(&blob, &[], &unheard).unwrap(), Uploaded::Sent(size as u64));
        assert_eq!(repository.upload(&blob, &[], &unheard).unwrap(), Uploaded::Skipped);
        let mut bytes = Vec::new();
        repository.open_blob(&blob.digest, size as u64).unwrap().read_to_end(&mut bytes).unwrap();
        assert!(bytes == blob.bytes);
    }
    let other = registry.repository(&real.reference("team/other"));
    let from = ["team/none".to_owned(), "team/app".to_owned()];
    assert_eq!(other.upload(&Blob::of_size(10), &from, &unheard).unwrap(), Uploaded::Mounted("team/app".to_owned()));
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let descriptor = |kind: &str, size| {
        let blob = Blob::of_size(size);
        serde_json::json!({"mediaType": kind, "digest": blob.digest.oci(), "size": size})
    };
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": kind, "config": descriptor("application/vnd.oci.image.config.v1+json", 10),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", 1_000_000)],
    });
    let bytes = manifest.to_string().into_bytes();
    let tag = Identifier::Tag("v1".to_owned());
    assert_eq!(repository.head_manifest(&tag).unwrap(), None);
    let digest = repository.put_manifest(&tag, kind, &bytes).unwrap();
    let head = repository.head_manifest(&tag).unwrap().unwrap();
    assert_eq!((head.digest, head.media_type.as_str(), head.size), (digest, kind, Some(bytes.len() as u64)));
    assert_eq!(repository.manifest(&Identifier::Digest(digest)).unwrap().unwrap().bytes, bytes);
    assert_eq!(repository.referrers(&digest, None).unwrap(), []);
}

#[test]
fn a_real_registry_takes_and_gives() {
    let Some(real) = Real::start(|_| String::new()) else { return };
    whole_round(&client(Arc::new(NoCredentials)), &real);
}

#[test]
fn a_real_registry_asks_who_we_are() {
    // `htpasswd -nbB alice s3cret-word`
    let line = "alice:$2y$05$WPl1G63K/uAv3cPPTsJyU.HVYZ6yOAxXxrZM7J0GCwmwcNMAhddk2\n";
    let auth = |folder: &std::path::Path| {
        let path = folder.join("htpasswd");
        std::fs::write(&path, line).unwrap();
        format!("auth: {{ htpasswd: {{ realm: here, path: {} }} }}\n", path.display())
    };
    let Some(real) = Real::start(auth) else { return };
    whole_round(&client(password()), &real);
    let nobody = client(Arc::new(NoCredentials));
    let error = nobody.repository(&real.reference("team/app")).has_blob(&Sha256::of(b"")).unwrap_err();
    assert!(matches!(error, Error::Unauthorized { shown: false, .. }), "{error}");
}

#[test]
fn a_source_that_lies_leaves_nothing_in_a_real_registry() {
    let Some(real) = Real::start(|_| String::new()) else { return };
    let registry = client(Arc::new(NoCredentials));
    let repository = registry.repository(&real.reference("team/app"));
    for size in [1000, 700_000] {
        let blob = Blob { digest: Sha256::of(b"something else"), ..Blob::of_size(size) };
        let error = repository.upload(&blob, &[], &unheard).unwrap_err();
        assert!(matches!(error, Error::SourceChanged { .. }), "{error}");
        assert!(!repository.has_blob(&blob.digest).unwrap());
    }
}
