//! Real packages under the names of a release, from a cache behind nginx; and real leftovers of nixpkgs.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::clients::has;
use crate::registry::wait_for;
use crate::support::image::Archive;
use crate::support::nixos::Nixos;
use crate::support::project::Project;
use crate::support::{shared, skipped};

const RELEASE_KEY: &str = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=";
const OTHER_KEY: &str = "lpenz.org:jYDkTN/2qS96NxFnJpuWkNdVfNaWzaA5pmcg4MyXa2g=";

/// An nginx that serves a folder, and ends with this value.
struct Nginx {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Nginx {
    fn serve(root: &Path) -> Option<Self> {
        has("nginx")?;
        let folder = tempfile::tempdir().unwrap();
        // Somebody may take the port between our looking and nginx's.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let place = folder.path().display();
            let text = format!(
                "daemon off;\nmaster_process off;\npid {place}/pid;\nerror_log {place}/error;\nevents {{}}\nhttp {{\n\
                 access_log off;\nclient_body_temp_path {place}/body;\nproxy_temp_path {place}/proxy;\n\
                 fastcgi_temp_path {place}/fastcgi;\nuwsgi_temp_path {place}/uwsgi;\nscgi_temp_path {place}/scgi;\n\
                 server {{\nlisten 127.0.0.1:{port};\nroot {};\n}}\n}}\n",
                root.canonicalize().unwrap().display()
            );
            fs::write(folder.path().join("nginx.conf"), text).unwrap();
            let mut nginx = Command::new("nginx");
            nginx.arg("-p").arg(folder.path()).arg("-e").arg(folder.path().join("error"));
            nginx.arg("-c").arg(folder.path().join("nginx.conf"));
            let mut child = nginx.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let answers = || TcpStream::connect(("127.0.0.1", port)).is_ok();
            let ended = wait_for(|| match child.try_wait().unwrap() {
                Some(_) => Some(true),
                None => answers().then_some(false),
            });
            if ended == Some(false) {
                return Some(Self { child, port, _folder: folder });
            }
        }
        skipped("nginx can't start here")
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A release that has the packages of an index, by the names that it gives them.
fn release_of(index: &Path) -> Nixos {
    let text = fs::read_to_string(index).unwrap();
    text.lines().fold(Nixos::new("nixos-26.05", 1), |release, line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |value: &'_ Value| value.as_str().unwrap().to_owned();
        release.at(&text(&line["attr"]), &text(&line["name"]), &text(&line["outputs"]["out"]))
    })
}

#[test]
fn real_packages_by_the_names_of_a_release() {
    let Some(base) = shared("nixcache/base") else { return };
    let Some(nginx) = Nginx::serve(&base) else { return };
    let running = release_of(&base.with_file_name("base.index.jsonl")).start();
    let key = fs::read_to_string(base.with_file_name("base.key.pub")).unwrap();
    let project = Project::new();
    let text = "channel = \"nixpkgs\"\npackages = [\"git\", \"ripgrep\", \"jq\"]\n[image]\nname = \"it\"\n";
    let channel = format!("[channels.nixpkgs]\nrelease = \"nixos-26.05\"\nkeys = [\"{}\"]\n", key.trim());
    project.file("system.toml", format!("{text}{channel}"));
    let dumbc = |arguments: &[&str]| running.hosts(project.dumbc(arguments)).env("DUMBC_NIXOS_CACHE", nginx.url());
    dumbc(&["build", "-o", project.path("image.tar").to_str().unwrap()]).ok();
    let image = Archive::read(&project.path("image.tar")).root();
    for program in ["git", "rg", "jq"] {
        let link = format!("-system-path/bin/{program}");
        assert!(image.keys().any(|path| path.ends_with(link.as_bytes())), "{link} is missing");
    }
    let first = fs::read(project.path("image.tar")).unwrap();
    let asked = running.services.seen().len();
    dumbc(&["build", "--locked", "-o", project.path("again.tar").to_str().unwrap()]).ok();
    assert_eq!(running.services.seen().len(), asked, "a locked build asks no name");
    assert!(fs::read(project.path("again.tar")).unwrap() == first, "the same lock gives the same bytes");
    let info = dumbc(&["info", "git", "--json"]).ok().json()["package"].clone();
    assert!(info["size"].as_u64().unwrap() > 30_000_000 && info["locked"][0]["request"] == "git", "{info}");
}

/// A project that asks a cache of the disk for one store path, by its name.
fn leftovers(cache: &Path, name: &str, keys: &[&str]) -> (Project, Nginx) {
    let narinfos = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    let path_of = |narinfo: PathBuf| {
        let text = fs::read_to_string(narinfo).ok()?;
        text.lines().find_map(|line| line.strip_prefix("StorePath: ")).map(str::to_owned)
    };
    let mut paths: Vec<_> =
        narinfos.filter(|path| path.extension().is_some_and(|end| end == "narinfo")).filter_map(path_of).collect();
    paths.sort();
    let path = paths.into_iter().find(|path| path.ends_with(name)).unwrap();
    let (project, nginx) = (Project::new(), Nginx::serve(cache).unwrap());
    let keys = serde_json::to_string(keys).unwrap();
    let text = format!(
        "packages = [\"{path}\"]\n[channels.left]\ncaches = [\"{}\"]\nkeys = {keys}\n[image]\nname = \"it\"\n",
        nginx.url()
    );
    project.file("system.toml", text);
    (project, nginx)
}

#[test]
fn real_leftovers_are_built_with_their_signatures() {
    let Some(cache) = shared("nixcache/nixpkgs-2022") else { return };
    let Some(()) = has("nginx") else { return };
    let (project, _nginx) = leftovers(&cache, "-libidn2-2.3.1", &[RELEASE_KEY]);
    project.dumbc(&["build", "-o", project.path("image.tar").to_str().unwrap()]).ok();
    let lock = fs::read_to_string(project.path("dumbc.lock")).unwrap();
    assert!(lock.contains("cache.nixos.org-1:") && lock.contains("-libunistring-0.9.10\""), "{lock}");
    let image = Archive::read(&project.path("image.tar")).root();
    assert!(image.keys().any(|path| path.ends_with(b"-libidn2-2.3.1/lib/libidn2.so.0")));
    let (unsigned, _nginx) = leftovers(&cache, "-libidn2-2.3.1", &[OTHER_KEY]);
    unsigned.dumbc(&["build", "-o", unsigned.path("image.tar").to_str().unwrap()]).fails(6).says(&["libidn2-2.3.1"]);
}

#[test]
fn a_real_package_whose_glibc_is_gone_says_so() {
    let Some(cache) = shared("nixcache/nixpkgs-2022") else { return };
    let Some(()) = has("nginx") else { return };
    let (project, _nginx) = leftovers(&cache, "-execpermfix-1.0.7", &[RELEASE_KEY, OTHER_KEY]);
    let told = project.dumbc(&["build", "-o", project.path("image.tar").to_str().unwrap()]).fails(5);
    told.says(&["the content of /nix/store/", "-glibc-2.", "can't be had", "is not there (HTTP 404)"]);
    assert!(!project.path("image.tar").exists());
}
