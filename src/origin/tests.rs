use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::image::tar::{Kind, TAIL, padding, write_header};
use crate::image::tree::Metadata;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn tar<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in files {
        write_header(&mut bytes, name.as_bytes(), Kind::File(content.len() as u64), Metadata::root(0o644));
        bytes.extend_from_slice(content);
        bytes.extend_from_slice(padding(content.len() as u64));
    }
    bytes.extend_from_slice(&TAIL);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Files of a layout that is being made.
#[derive(Default)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    fn blob(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let digest = Sha256::of(&bytes);
        let descriptor = json!({ "mediaType": media_type, "digest": digest.oci(), "size": bytes.len() });
        self.0.insert(format!("blobs/sha256/{}", digest.hex()), bytes);
        descriptor
    }

    fn document(&mut self, media_type: &str, document: &Value) -> Value {
        self.blob(media_type, document.to_string().into_bytes())
    }

    /// The descriptor of an image's manifest.
    fn image(&mut self, architecture: &str, layers: &[Vec<u8>]) -> Value {
        let diff_ids = layers.iter().map(|tar| Sha256::of(tar).oci()).collect::<Vec<_>>();
        let config = json!({ "os": "linux", "architecture": architecture, "rootfs": { "diff_ids": diff_ids } });
        let config = self.document(CONFIG, &config);
        let layers = layers.iter().map(|tar| self.blob(LAYER, gzip(tar))).collect::<Vec<_>>();
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
        let mut descriptor = self.document(MANIFEST, &manifest);
        descriptor["platform"] = json!({ "os": "linux", "architecture": architecture });
        descriptor
    }

    fn index(&mut self, entries: &[Value]) -> &mut Self {
        let index = json!({ "schemaVersion": 2, "manifests": entries });
        self.0.insert("index.json".to_owned(), index.to_string().into_bytes());
        self
    }

    fn write(&self, folder: &Path) -> Origin<'static> {
        self.try_open(folder, None).unwrap()
    }

    fn try_open(&self, folder: &Path, system: Option<System>) -> Result<Origin<'static>, Error> {
        for (name, bytes) in &self.0 {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        Origin::of(Place::Layout(folder.to_owned()), system)
    }

    fn archive(&self) -> Result<Origin<'static>, Error> {
        open(&tar(self.0.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))))
    }
}

fn open(bytes: &[u8]) -> Result<Origin<'static>, Error> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    Origin::of(Place::archive(file.path())?, None)
}

fn read(mut reader: Box<dyn Read + Send + '_>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map(|_| bytes)
}

#[test]
fn layouts_and_archives_of_them_hold_the_same_images() {
    let layers = [tar([("low", &b"1"[..])]), tar([("high", &b"2"[..])])];
    let mut files = Files::default();
    let entries = [files.image("amd64", &layers), files.image("arm64", &layers[..1])];
    let attestation = json!({ "mediaType": MANIFEST, "digest": Sha256::of(b"absent").oci(), "size": 1,
                              "platform": { "os": "unknown", "architecture": "unknown" } });
    files.index(&[entries[0].clone(), attestation, entries[1].clone(), entries[0].clone()]);
    let folder = tempfile::tempdir().unwrap();
    for origin in [files.write(folder.path()), files.archive().unwrap()] {
        assert_eq!(origin.images().len(), 2);
        let image = origin.image(System::X86_64Linux).unwrap();
        assert_eq!(image.manifest.unwrap().oci(), entries[0]["digest"].as_str().unwrap());
        assert_eq!(origin.digest(), Some(Sha256::of(&files.0["index.json"])));
        for (layer, tar) in image.layers.iter().zip(&layers) {
            assert_eq!(read(origin.open_tar(layer).unwrap()).unwrap(), *tar);
            assert_eq!(read(origin.open_blob(layer).unwrap()).unwrap(), gzip(tar));
        }
    }
    let only = files.try_open(folder.path(), Some(System::Aarch64Linux)).unwrap();
    assert_eq!(only.images().iter().map(|image| image.platform.as_str()).collect::<Vec<_>>(), ["linux/arm64"]);
}

#[test]
fn indexes_may_be_nested_twice_and_not_more() {
    let mut files = Files::default();
    let mut entry = files.image("amd64", &[tar([("a", &b"1"[..])])]);
    for depth in 1..=3 {
        entry = files.document(INDEX, &json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] }));
        files.index(std::slice::from_ref(&entry));
        let folder = tempfile::tempdir().unwrap();
        let opened = files.try_open(folder.path(), None);
        if depth <= 2 {
            assert_eq!(opened.unwrap().digest().unwrap().oci(), entry["digest"].as_str().unwrap());
        } else {
            assert!(matches!(opened.err(), Some(Error::TooMuch { .. })));
        }
    }
}

#[test]
fn other_bytes_than_promised_are_found_where_they_are_read() {
    let mut files = Files::default();
    let layer = tar([("a", &b"1"[..])]);
    let entry = files.image("amd64", std::slice::from_ref(&layer));
    files.index(std::slice::from_ref(&entry));
    let blob = format!("blobs/sha256/{}", Sha256::of(&gzip(&layer)).hex());
    let good = files.0[&blob].clone();
    let mut other = good.clone();
    *other.last_mut().unwrap() ^= 1;
    files.0.insert(blob.clone(), other);
    let origin = files.archive().unwrap();
    let layer = &origin.images()[0].layers[0];
    assert!(read(origin.open_blob(layer).unwrap()).is_err() && read(origin.open_tar(layer).unwrap()).is_err());
    files.0.insert(blob.clone(), gzip(&tar([("b", &b"1"[..])])));
    let origin = files.archive().unwrap();
    let outcome = read(origin.open_tar(&OriginLayer { size: files.0[&blob].len() as u64, ..layer.clone() }).unwrap());
    let error = outcome.unwrap_err();
    let core = crate::failure::carried(&error).downcast_ref::<Error>().unwrap();
    assert!(matches!(core, Error::Digest { .. }), "{core}");
    files.0.remove(&blob);
    assert!(matches!(files.archive().unwrap().open_tar(layer).err(), Some(Error::Incomplete { .. })));
    let manifest = format!("blobs/{}", entry["digest"].as_str().unwrap().replace(':', "/"));
    files.0.get_mut(&manifest).unwrap().pop();
    assert!(matches!(files.archive().err(), Some(Error::Size { .. })));
}

#[test]
fn docker_archives_old_and_new_have_their_names() {
    let layer = tar([("a", &b"1"[..])]);
    let config = json!({ "os": "linux", "architecture": "amd64",
                         "rootfs": { "diff_ids": [Sha256::of(&layer).oci(), Sha256::of(&layer).oci()] } });
    let config = config.to_string().into_bytes();
    let docker = json!([{ "Config": "abc.json", "RepoTags": ["app:1"], "Layers": ["x/layer.tar", "y.tar.gz"] }]);
    let docker = docker.to_string();
    let compressed = gzip(&layer);
    let members = [
        ("abc.json", &config[..]),
        ("x/layer.tar", &layer),
        ("y.tar.gz", &compressed),
        ("manifest.json", docker.as_bytes()),
        ("repositories", b"{}"),
    ];
    let plain = tar(members);
    for bytes in [plain.clone(), gzip(&plain), zstd::encode_all(&plain[..], 1).unwrap()] {
        let origin = open(&bytes).unwrap();
        let image = origin.image(System::X86_64Linux).unwrap();
        assert_eq!((origin.digest(), image.manifest, image.names.as_slice()), (None, None, &["app:1".to_owned()][..]));
        assert_eq!(image.layers[0].digest, image.layers[0].diff_id);
        assert_eq!(image.layers[1].digest, Sha256::of(&compressed));
        for layer_there in &image.layers {
            assert_eq!(read(origin.open_tar(layer_there).unwrap()).unwrap(), layer);
        }
        assert_eq!(read(origin.open_blob(&image.layers[1]).unwrap()).unwrap(), compressed);
    }
    let error = open(&tar([("repositories", &b"{}"[..])])).err().unwrap();
    assert!(error.to_string().contains("before 1.10"), "{error}");
}

#[test]
fn what_is_no_image_is_told_as_what_it_is() {
    let mut files = Files::default();
    let config = files.document("application/vnd.cncf.helm.config.v1+json", &json!({}));
    let chart = files.document(MANIFEST, &json!({ "schemaVersion": 2, "config": config, "layers": [] }));
    files.index(&[chart]);
    let error = files.archive().err().unwrap();
    assert!(error.to_string().contains("helm"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Files::default().try_open(folder.path(), None).err(), Some(Error::NoImage { .. })));
    let large = json!([" ".repeat(5 << 20)]).to_string().into_bytes();
    files.0.insert("index.json".to_owned(), large);
    assert!(matches!(files.archive().err(), Some(Error::TooMuch { .. })));
    let mut wrong = Files::default();
    let layers = [tar([("a", &b"1"[..])])];
    let image = wrong.image("amd64", &layers);
    let path = format!("blobs/{}", image["digest"].as_str().unwrap().replace(':', "/"));
    let mut manifest: Value = serde_json::from_slice(&wrong.0[&path]).unwrap();
    manifest["layers"] = json!([]);
    let entry = wrong.document(MANIFEST, &manifest);
    wrong.index(&[entry]);
    assert!(wrong.archive().err().unwrap().to_string().contains("0 layers"));
}
