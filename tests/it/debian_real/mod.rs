//! The repository's own machine, made of real packages of this machine's apt archive: does it work, is it what dpkg would have made,
//! is it twice the same?
//!
//! Skipped, saying so, where apt, its archive or a program is missing.

mod again;
mod extract;
mod machine;
mod tree;

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::clients::{has, output};
use crate::support::project::{Built, Project};
use crate::support::skipped;

/// The machine, built once for all tests.
struct Default {
    project: Project,
    archive: Built,
}

static SHARED: Mutex<Weak<Default>> = Mutex::new(Weak::new());

/// The machine; `None` where it can't be built here.
fn default_machine() -> Option<Arc<Default>> {
    has("apt-config").and_then(|()| has("openssl"))?;
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(machine) = shared.upgrade() {
        return Some(machine);
    }
    let project = Project::new();
    write_files(&project);
    let locked = project.dumbc(&["lock"]).run();
    if locked.code == Some(5) {
        return skipped(&format!("this machine's archive does not answer: {}", locked.stderr));
    }
    assert_eq!(locked.code, Some(0), "{locked}");
    let archive = project.build("machine.tar.gz", &["--locked"]);
    let machine = Arc::new(Default { project, archive });
    *shared = Arc::downgrade(&machine);
    Some(machine)
}

/// The three files of the repository, with a certificate authority of our own and a server's certificate.
fn write_files(project: &Project) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(repository.join(name)).unwrap();
    let (authority, server) = certificates(&project.beside("certificates"));
    let bundled = |path: &str, text: &str| format!("\n[files.\"{path}\"]\ntext = '''\n{text}'''\nmode = \"0644\"\n");
    let authority = bundled("/usr/local/share/ca-certificates/test.crt", &authority);
    let server = bundled("/srv/tls/server.pem", &server);
    project.file("system.toml", read("system.toml") + &authority + &server);
    project.file("users.toml", read("users.toml")).file("home.toml", read("home.toml"));
}

/// A certificate authority; and a key with the certificate for `localhost` that it signed.
fn certificates(folder: &Path) -> (String, String) {
    std::fs::create_dir(folder).unwrap();
    let openssl = |arguments: &str| {
        output(Command::new("openssl").current_dir(folder).args(arguments.split(' ')));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.crt -days 36500 -subj /CN=dumbc-test-authority"));
    openssl(&format!("req {key} -keyout server.key -out server.csr -subj /CN=localhost"));
    std::fs::write(folder.join("names"), "subjectAltName = DNS:localhost\n").unwrap();
    openssl(
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -set_serial 1 -days 36500 -extfile names -out server.crt",
    );
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    (read("ca.crt"), read("server.key") + &read("server.crt"))
}
