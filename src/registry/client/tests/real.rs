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
            return skipped("docker-registry");
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

/// nginx that ends TLS before a registry and does not tell it so, with a certificate of its own.
struct Front {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

const REQUEST: &str = "[req]\ndistinguished_name = name\nx509_extensions = own\nprompt = no\n[name]\nCN = here\n[own]\n\
                       subjectAltName = IP:127.0.0.1\nbasicConstraints = critical,CA:FALSE\n";

impl Front {
    fn start(real: &Real) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("openssl.cnf"), REQUEST).unwrap();
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config", &path("openssl.cnf")]);
        let made = openssl.args(["-keyout", &path("key.pem"), "-out", &path("ca.pem")]).stderr(Stdio::null()).status();
        if !made.is_ok_and(|status| status.success()) {
            return skipped("openssl");
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {};\n", path(name)))
            .concat();
        let config = format!(
            "daemon off; master_process off; pid {}; error_log stderr; events {{ }}\n\
             http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port} ssl; client_max_body_size 500k;\n\
             ssl_certificate {}; ssl_certificate_key {}; proxy_request_buffering off;\n\
             location / {{ proxy_pass http://{}; proxy_set_header Host $http_host; }} }} }}\n",
            path("pid"),
            path("ca.pem"),
            path("key.pem"),
            real.host
        );
        std::fs::write(path("nginx.conf"), config).unwrap();
        let mut nginx = Command::new("nginx");
        nginx.args(["-e", "stderr", "-c", &path("nginx.conf")]).stderr(Stdio::null());
        let Ok(child) = nginx.spawn() else {
            return skipped("nginx");
        };
        let mut front = Self { child, port, folder };
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(front.child.try_wait().unwrap().is_none(), "nginx did not start");
            std::thread::yield_now();
        }
        Some(front)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn behind_tls_of_our_own_authority() {
    let Some(mut real) = Real::start(|_| String::new()) else { return };
    let Some(front) = Front::start(&real) else { return };
    real.host = format!("127.0.0.1:{}", front.port);
    let with = |settings: Settings| {
        let mut registry = Registry::new(settings, Arc::new(NoCredentials)).unwrap();
        registry.part = 300_000;
        registry
    };
    let usual = settings(&Arc::new(TestClock::default()));
    let trusting = with(Settings { ca_file: Some(front.folder.path().join("ca.pem")), ..usual.clone() });
    whole_round(&trusting, &real);
    let repository = |registry: &Registry| registry.repository(&real.reference("team/app")).has_blob(&Sha256::of(b""));
    assert!(repository(&with(Settings { insecure: true, ..usual.clone() })).unwrap());
    let error = repository(&with(usual)).unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error}");
    // nginx takes no more than 500 kB at once.
    let large = Registry::new(
        Settings { ca_file: Some(front.folder.path().join("ca.pem")), ..settings(&Arc::new(TestClock::default())) },
        Arc::new(NoCredentials),
    );
    let error = large.unwrap().repository(&real.reference("team/app")).upload(&Blob::of_size(4_000_000), &[], &unheard);
    assert!(matches!(error, Err(Error::RefusedSize { .. })), "{error:?}");
}

/// Says that a test is skipped.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skipped<T>(program: &str) -> Option<T> {
    eprintln!("skipped: there is no {program} here");
    None
}
