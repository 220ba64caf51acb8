//! A daemon of a few lines at a socket: what it is asked, and what becomes of what it says.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::*;
use crate::config::System;
use crate::export::{Error, Image, ImageName};
use crate::image::ImagePath;
use crate::image::codec::Codec;
use crate::image::documents::{LayerDescription, RunConfig, configuration};
use crate::image::head::{Parents, head};
use crate::nix::nar::NarWriter;
use crate::nix::{Sha256, StorePath};
use crate::progress::Silent;
use crate::store::{self, FragmentKey, Pool, Store};

/// What the double was asked: `GET /path`, and the archives that it took whole.
#[derive(Default)]
struct Seen {
    requests: Vec<String>,
    archives: Vec<Vec<u8>>,
}

/// How the double takes an archive.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// It has what it took.
    Takes,
    /// It fails in the stream, as long as files of layers are missing.
    WantsAll,
    /// It answers before it has read everything, and reads no more.
    RefusesEarly,
    /// It goes away in the middle.
    Dies,
    /// It says that all went well, and has something else.
    Lies,
}

struct Double {
    folder: tempfile::TempDir,
    seen: Arc<Mutex<Seen>>,
}

/// What the double has: an image's ID and diff IDs.
type Has = Option<(String, Vec<String>)>;

impl Double {
    fn start(manner: Manner, has: Has) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("sock")).unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (shared, mut has) = (seen.clone(), has);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // Who connects and asks nothing is gone.
                let _ = serve(&stream.unwrap(), manner, &mut has, &shared);
            }
        });
        Self { folder, seen }
    }

    fn surroundings(&self) -> Surroundings {
        let host = format!("unix://{}", self.folder.path().join("sock").display());
        Surroundings::of(Path::new("/nowhere"), &[("DOCKER_HOST", &host)])
    }

    fn daemon(&self) -> Daemon {
        Daemon::find(None, &self.surroundings()).unwrap()
    }

    fn archives(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().archives.clone()
    }
}

/// One request; `None`: none came.
fn serve(stream: &UnixStream, manner: Manner, has: &mut Has, seen: &Mutex<Seen>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|&count| count > 0)?;
        if line == "\r\n" {
            break;
        }
        lines.push(line.trim().to_ascii_lowercase());
    }
    let request = lines[0].strip_suffix(" http/1.1").unwrap().to_owned();
    seen.lock().unwrap().requests.push(request.clone());
    let path = request.split_once(' ').unwrap().1;
    let inspected =
        |has: &Has| has.as_ref().map(|(id, layers)| serde_json::json!({"Id": id, "RootFS": {"Layers": layers}}));
    match path {
        "/_ping" => reply(stream, 200, "OK"),
        "/version" => reply(stream, 200, r#"{"Arch":"arm64"}"#),
        "/info" => reply(stream, 200, r#"{"DriverStatus":[["Backing Filesystem","extfs"]]}"#),
        "/images/json" => {
            let listed = has.iter().map(|(id, _)| serde_json::json!({"Id": id, "RepoTags": null}));
            reply(stream, 200, &listed.collect::<serde_json::Value>().to_string());
        }
        _ if path.starts_with("/images/load") => take(stream, reader, manner, has, seen),
        _ => match inspected(has) {
            Some(document) => reply(stream, 200, &document.to_string()),
            None => reply(stream, 404, r#"{"message":"No such image"}"#),
        },
    }
    Some(())
}

fn reply(mut stream: &UnixStream, status: u16, body: &str) {
    let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    drop(stream.write_all((head + body).as_bytes()));
}

fn take(stream: &UnixStream, mut reader: impl std::io::BufRead, manner: Manner, has: &mut Has, seen: &Mutex<Seen>) {
    match manner {
        Manner::RefusesEarly => return reply(stream, 500, r#"{"message":"no space left on device"}"#),
        Manner::Dies => return,
        _ => {}
    }
    let Some(archive) = unchunked(&mut reader) else { return };
    let entries = tar::Archive::new(&archive[..]).entries().unwrap().count();
    seen.lock().unwrap().archives.push(archive.clone());
    // Two folders, the configuration, manifest.json and two layers.
    if manner == Manner::WantsAll && entries < 6 {
        let said = r#"{"errorDetail":{"message":"open layer: no such file"},"error":"x"}"#;
        return reply(stream, 200, &format!("{{\"stream\":\"Loading\"}}\n{said}"));
    }
    if manner != Manner::Lies {
        *has = Some((format!("sha256:{}", config_of(&archive)), Vec::new()));
    }
    reply(stream, 200, "{\"stream\":\"Loaded image: it:latest\\n\"}\n");
}

/// A body in chunks; `None`: it broke off.
fn unchunked(reader: &mut impl std::io::BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.trim(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).ok()?;
        body.extend_from_slice(&chunk[..size]);
        if size == 0 {
            return Some(body);
        }
    }
}

/// The digest of the configuration in an archive.
fn config_of(archive: &[u8]) -> String {
    let mut archive = tar::Archive::new(archive);
    let mut entries = archive.entries().unwrap().map(Result::unwrap);
    let mut entry = entries.find(|entry| entry.path().unwrap().ends_with("manifest.json")).unwrap();
    let mut text = String::new();
    entry.read_to_string(&mut text).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    manifest[0]["Config"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

/// A store with an image of two layers, of a megabyte each.
struct World {
    folder: tempfile::TempDir,
    store: Store,
    image: Image,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), false).unwrap();
        let pool = Pool::new(1);
        let layers = [1, 2].map(|number| layer(&store, &pool, number));
        let described = layers.each_ref().map(|layer| LayerDescription {
            diff_id: layer.diff_id,
            tar_size: layer.tar_size,
            blob: layer.blob,
            blob_size: layer.blob_size,
            packing: layer.packing(),
            comment: String::new(),
            key: None,
            facts: None,
        });
        let config = configuration(&RunConfig::default(), System::Aarch64Linux, &described, "1970-01-01T00:00:01Z");
        let layers = layers.into_iter().zip(described).collect();
        let image = Image { system: System::Aarch64Linux, config: config.unwrap(), layers };
        Self { folder, store, image }
    }

    fn load(&self, double: &Double) -> Result<Loaded, Error> {
        let names = [ImageName { name: "it".to_owned(), tag: "latest".to_owned() }];
        Load { daemon: &double.daemon(), names: &names, progress: &Silent }.image(&self.store, &self.image)
    }

    /// An older image that stands on the same first layer.
    fn older(&self) -> (String, Vec<String>) {
        let first = self.image.layers[0].0.diff_id.0.oci();
        (Sha256::of(b"older").oci(), vec![first, Sha256::of(b"other").oci()])
    }
}

fn layer(store: &Store, pool: &Pool, number: u8) -> store::Layer {
    let path = StorePath::from_parts([number; 20], "x").unwrap();
    let root = ImagePath::new(path.to_string().as_bytes()).unwrap();
    let content =
        (0..1_u32 << 18).flat_map(|index| (index.wrapping_mul(2_654_435_761) ^ u32::from(number)).to_le_bytes());
    let content = content.collect::<Vec<_>>();
    let mut nar = NarWriter::new(Vec::new());
    nar.regular(b"", false, content.len() as u64, &mut &content[..]).unwrap();
    let nar = nar.finish().unwrap();
    let head = head([&root], &Parents::new());
    let mut writer = store.write_fragment(pool, Codec::Gzip(1), &head).unwrap();
    writer.nar(&root, &mut std::io::Cursor::new(&nar)).unwrap();
    let fragment = writer.finish(store, FragmentKey::store_path(&path, &Sha256::of(&nar))).unwrap();
    store.layer(head, vec![Arc::new(fragment)], Codec::Gzip(1)).unwrap()
}

#[test]
fn an_image_is_sent_once_and_found_there() {
    let (world, double) = (World::new(), Double::start(Manner::Takes, None));
    let daemon = double.daemon();
    assert_eq!((daemon.kind(), daemon.system()), (EngineKind::Docker, Some(System::Aarch64Linux)));
    let loaded = world.load(&double).unwrap();
    let archives = double.archives();
    assert_eq!((loaded.left_out, loaded.is_unchanged, loaded.sent), (0, false, archives[0].len() as u64));
    assert_eq!(tar::Archive::new(&archives[0][..]).entries().unwrap().count(), 6);
    let again = world.load(&double).unwrap();
    assert_eq!((again, double.archives().len()), (Loaded { sent: 0, left_out: 0, is_unchanged: true }, 1));
}

#[test]
fn layers_that_are_there_are_left_out_unless_the_daemon_wants_them() {
    let world = World::new();
    let double = Double::start(Manner::Takes, Some(world.older()));
    let loaded = world.load(&double).unwrap();
    let archive = &double.archives()[0];
    assert_eq!((loaded.left_out, loaded.sent), (1, archive.len() as u64));
    let (first, second) = (&world.image.layers[0].0, &world.image.layers[1].0);
    assert!(loaded.sent < first.tar_size + second.tar_size, "{loaded:?}");
    let manifest = String::from_utf8_lossy(archive);
    assert!(manifest.contains(&format!("blobs/sha256/{}", first.diff_id.hex())), "its digest is told all the same");

    let strict = Double::start(Manner::WantsAll, Some(world.older()));
    let loaded = world.load(&strict).unwrap();
    assert_eq!((loaded.left_out, strict.archives().len()), (0, 2));
    assert_eq!(loaded.sent, strict.archives()[1].len() as u64);
}

#[test]
fn what_a_daemon_says_before_it_hangs_up_is_heard() {
    let world = World::new();
    let other = || Some((Sha256::of(b"x").oci(), Vec::new()));
    let error = |manner| world.load(&Double::start(manner, other())).unwrap_err();
    let refused = error(Manner::RefusesEarly);
    assert!(
        matches!(&refused, Error::Daemon(DaemonError::Refused { said, .. }) if said == "no space left on device"),
        "{refused:?}"
    );
    assert!(crate::failure::Classified::help(&refused).unwrap().contains("docker system df"));
    let lost = error(Manner::Dies);
    assert!(matches!(&lost, Error::Daemon(DaemonError::Lost { .. })), "{lost:?}");
    let other = error(Manner::Lies);
    assert!(matches!(&other, Error::Daemon(DaemonError::OtherImage { .. })), "{other:?}");
}

#[test]
fn a_damaged_store_never_looks_like_a_whole_archive() {
    let (world, double) = (World::new(), Double::start(Manner::Takes, None));
    for entry in walkdir::WalkDir::new(world.folder.path()).into_iter().map(Result::unwrap) {
        if entry.metadata().unwrap().len() > 100_000 {
            let mut bytes = std::fs::read(entry.path()).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
            std::fs::write(entry.path(), bytes).unwrap();
        }
    }
    let error = world.load(&double).unwrap_err();
    assert!(matches!(error, Error::Store(store::Error::Damaged(_))), "{error:?}");
    assert!(double.archives().is_empty());
}

#[test]
fn nobody_there_is_told_with_all_that_was_tried() {
    let folder = tempfile::tempdir().unwrap();
    let error = Daemon::find(None, &Surroundings::of(folder.path(), &[])).unwrap_err();
    let told = error.to_string();
    for socket in ["var/run/docker.sock: No such file", "run/podman/podman.sock: No such file"] {
        assert!(told.contains(socket), "{told}");
    }
    let closed = Double::start(Manner::Takes, None);
    std::fs::remove_file(closed.folder.path().join("sock")).unwrap();
    assert!(Daemon::find(None, &closed.surroundings()).is_err());
}
