//! A registry behind nginx, with TLS of a certificate authority that only we know.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{Served, Small, wait_for};
use crate::clients::{has, output};
use crate::support::skipped;

/// An nginx that keeps to its folder and ends with this value.
pub(crate) struct Tls {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Tls {
    /// In front of a registry. `None`, said aloud, where a program is missing.
    pub(crate) fn start(upstream: &Served) -> Option<Self> {
        has_version("openssl", "version").and_then(|()| has_version("nginx", "-v"))?;
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        // Somebody may take the port between our looking and nginx's.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            fs::write(folder.path().join("nginx.conf"), configuration(folder.path(), port, upstream.port())).unwrap();
            let mut child = start(folder.path());
            let answers = || TcpStream::connect(("127.0.0.1", port)).is_ok();
            let ended = wait_for(|| match child.try_wait().unwrap() {
                Some(_) => Some(true),
                None => answers().then_some(false),
            });
            if ended == Some(false) {
                return Some(Self { child, folder, port });
            }
        }
        skipped("nginx can't start here")
    }

    pub(crate) fn reference(&self, below: &str) -> String {
        format!("localhost:{}/{below}", self.port)
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn has_version(program: &str, argument: &str) -> Option<()> {
    let found = Command::new(program).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_ok() { Some(()) } else { has(program) }
}

fn start(folder: &Path) -> Child {
    let log = fs::File::create(folder.join("log")).unwrap();
    let mut nginx = Command::new("nginx");
    nginx.arg("-p").arg(folder).arg("-e").arg(folder.join("error")).arg("-c").arg(folder.join("nginx.conf"));
    nginx.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

fn configuration(folder: &Path, port: u16, upstream: u16) -> String {
    let place = folder.display();
    // One process: what ends it ends all of it.
    format!(
        "daemon off;\nmaster_process off;\npid {place}/pid;\nerror_log {place}/error;\nevents {{}}\nhttp {{\n\
         access_log off;\nclient_body_temp_path {place}/body;\nproxy_temp_path {place}/proxy;\n\
         fastcgi_temp_path {place}/fastcgi;\nuwsgi_temp_path {place}/uwsgi;\nscgi_temp_path {place}/scgi;\n\
         server {{\nlisten 127.0.0.1:{port} ssl;\nssl_certificate {place}/server.pem;\n\
         ssl_certificate_key {place}/server.key;\nclient_max_body_size 0;\nlocation / {{\n\
         proxy_pass http://127.0.0.1:{upstream};\nproxy_set_header Host $http_host;\n\
         proxy_set_header X-Forwarded-Proto https;\nproxy_request_buffering off;\n}}\n}}\n}}\n"
    )
}

/// `ca.pem`, and `server.pem` with `server.key` for localhost.
fn certificates(folder: &Path) {
    let openssl = |arguments: &[&str]| drop(output(Command::new("openssl").args(arguments).current_dir(folder)));
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let ca = ["req", "-x509", "-days", "2", "-subj", "/CN=our own authority", "-keyout", "ca.key", "-out", "ca.pem"];
    openssl(&[&ca[..], &key].concat());
    let request = ["req", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"];
    openssl(&[&request[..], &key].concat());
    let names = "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n";
    fs::write(folder.join("names"), names).unwrap();
    let sign = ["x509", "-req", "-days", "2", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key"];
    openssl(&[&sign[..], &["-CAcreateserial", "-extfile", "names", "-out", "server.pem"]].concat());
}

#[test]
fn a_registry_with_a_certificate_of_our_own_authority() {
    let Some(registry) = Served::start() else { return };
    let Some(tls) = Tls::start(&registry) else { return };
    let small = Small::new("");
    let reference = tls.reference("tls:1");
    let refused = small.push(&[&reference]).fails(6);
    refused.says(&["localhost:", "--ca-file"]);
    assert!(!registry.is_whole("tls", "1"));
    let ca = tls.ca_file();
    let pushed = small.push(&[&reference, "--json", "--ca-file", ca.to_str().unwrap()]).ok().json();
    assert!(registry.is_whole("tls", "1"));
    assert_eq!(pushed["reference"], reference);
    small.push(&[&tls.reference("tls:2"), "--insecure"]).ok();
    assert!(registry.is_whole("tls", "2"));
}
