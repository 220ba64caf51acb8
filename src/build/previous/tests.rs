use std::io::Cursor;
use std::sync::Arc;

use super::*;
use crate::build::debs::DebKeys;
use crate::build::facts::DebFacts;
use crate::deb::{PackageFacts, PackageName};
use crate::image::listing::{Listing, ListingEntry, ListingKind};
use crate::image::tar::{Kind, TAIL, padding, write_header};
use crate::image::tree::Metadata;
use crate::plan::Layer;
use crate::root::sample;

const PATH: &str = "usr/share/dumbc/facts";

fn digest(text: &str) -> Sha256 {
    Sha256::of(text.as_bytes())
}

fn layer(name: &str, annotations: &[(&str, String)]) -> OriginLayer {
    OriginLayer {
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
        digest: digest(name),
        size: 100,
        diff_id: digest(&format!("tar of {name}")),
        annotations: annotations.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
    }
}

fn image(layers: Vec<OriginLayer>) -> OriginImage {
    OriginImage {
        platform: "linux/amd64".to_owned(),
        manifest: Some(digest("manifest")),
        media_type: None,
        config: Vec::new(),
        layers,
        names: Vec::new(),
        annotations: BTreeMap::new(),
    }
}

/// A tar with one file.
fn tar(path: &str, content: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    write_header(&mut tar, path.as_bytes(), Kind::File(content.len() as u64), Metadata::root(0o444));
    tar.extend_from_slice(content);
    tar.extend_from_slice(padding(content.len() as u64));
    tar.extend_from_slice(&TAIL);
    tar
}

fn some_facts() -> Facts {
    let mut facts = Facts::default();
    facts.put_kind(FragmentKey::tree(&digest("git")), &ImagePath::default(), Some(&ListingKind::Directory));
    facts
}

/// An image whose last layer is `tar`, which is said to hold facts.
fn with_facts(tar: &[u8]) -> Result<Previous, PreviousError> {
    let image = image(vec![layer("first", &[]), layer("facts", &[(LAYER_FACTS, PATH.to_owned())])]);
    Previous::of(&image, &|layer| {
        assert_eq!(layer.digest, digest("facts"));
        Ok(Box::new(Cursor::new(tar.to_vec())))
    })
}

#[test]
fn layers_are_known_by_their_annotations() {
    let (key, size) = ((LAYER_KEY, digest("key").oci()), (LAYER_SIZE, "2048".to_owned()));
    let layers = vec![
        layer("base", &[]),
        layer("git", &[key.clone(), size.clone()]),
        layer("no size", &[(LAYER_KEY, digest("other").oci())]),
        layer("no key", &[(LAYER_KEY, "key".to_owned()), size]),
        layer("no number", &[(LAYER_KEY, digest("third").oci()), (LAYER_SIZE, "-1".to_owned())]),
    ];
    let mut previous = Previous::of(&image(layers), &|_| unreachable!("no layer has facts")).unwrap();
    let known = KnownLayer {
        diff_id: DiffId(digest("tar of git")),
        blob: BlobDigest(digest("git")),
        tar_size: 2048,
        blob_size: 100,
    };
    assert_eq!(previous.layers, BTreeMap::from([(digest("key"), known)]));
    assert_eq!(previous.facts(), &Facts::default());
    previous.forget(&digest("key"));
    assert_eq!(previous.layer(&digest("key")), None);
}

#[test]
fn facts_are_read_out_of_their_layer() {
    let document = some_facts().to_bytes();
    assert_eq!(with_facts(&tar(PATH, &document)).unwrap().facts(), &some_facts());
    // Elsewhere, or another kind: generation asks the packages.
    assert_eq!(with_facts(&tar("etc/facts", &document)).unwrap().facts(), &Facts::default());
    assert_eq!(with_facts(&tar(PATH, b"facts of tomorrow")).unwrap().facts(), &Facts::default());
    let cut = with_facts(&tar(PATH, &document[..document.len() - 1])).unwrap_err();
    assert_eq!(cut.to_string(), "usr/share/dumbc/facts in the previous image: the facts are damaged");
    assert!(matches!(with_facts(&tar(PATH, &document)[..530]), Err(PreviousError::Layer { .. })));
    assert!(matches!(with_facts(b"no tar"), Err(PreviousError::Layer { .. })));
}

/// Fails at its end, as a blob does that is not what its digest says.
struct Forged(Cursor<Vec<u8>>);

impl Read for Forged {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("not what the digest says")),
            read => Ok(read),
        }
    }
}

#[test]
fn facts_of_a_forged_layer_are_not_used() {
    let mut tar = tar(PATH, &some_facts().to_bytes());
    tar.resize(tar.len() + (1 << 20), 0);
    let image = image(vec![layer("facts", &[(LAYER_FACTS, PATH.to_owned())])]);
    let forged = Previous::of(&image, &|_| Ok(Box::new(Forged(Cursor::new(tar.clone()))))).unwrap_err();
    assert!(matches!(forged, PreviousError::Layer { .. }), "{forged}");
}

#[test]
fn packages_are_wanted_where_no_layer_of_the_image_is_theirs() {
    let paths = ["git", "hello", "less"].map(sample::store_path);
    let keys: Keys = paths.iter().map(|path| (path.clone(), FragmentKey::store_path(path, &digest("nar")))).collect();
    let missing = |paths: &[StorePath]| Missing { packages: paths.iter().cloned().collect(), ..Missing::default() };
    let ids = |names: &[usize]| names.iter().map(|&name| paths[name].base_name().to_owned()).collect::<Vec<_>>();
    let plan = Plan { layers: [ids(&[0]), ids(&[1, 2])].map(|units| Layer { units }).into() };
    let lacks = |previous: &Previous| previous.lacks(&plan, &keys, missing(&paths), Codec::default());
    assert_eq!(lacks(&Previous::default()), missing(&paths));
    let lone = layer_key(&super::super::packages::lone_head(&paths[0]), [&keys[&paths[0]]], Codec::default());
    let known =
        KnownLayer { diff_id: DiffId(digest("tar")), blob: BlobDigest(digest("blob")), tar_size: 1, blob_size: 1 };
    let previous = Previous { layers: BTreeMap::from([(lone, known)]), facts: Facts::default() };
    assert_eq!(lacks(&previous), missing(&paths[1..]));
    assert_eq!(previous.lacks(&plan, &keys, missing(&paths), Codec::Zstd(3)), missing(&paths));
}

#[test]
fn debian_packages_are_wanted_that_it_knows_nothing_of() {
    let keys: DebKeys =
        ["hello", "less"].map(|name| (name.parse().unwrap(), FragmentKey::deb(&digest(name)))).into_iter().collect();
    let missing = Missing { debs: keys.clone(), ..Missing::default() };
    let lacks = |previous: &Previous| {
        previous.lacks(&Plan { layers: Vec::new() }, &Keys::new(), missing.clone(), Codec::default()).debs
    };
    let mut facts = Facts::default();
    let root =
        ListingEntry { path: ImagePath::default(), kind: ListingKind::Directory, metadata: Metadata::root(0o755) };
    let deb = DebFacts::new(Listing::new(vec![root]).unwrap(), PackageFacts::default());
    facts.put_deb(FragmentKey::deb(&digest("less")), &Arc::new(deb));
    let known =
        KnownLayer { diff_id: DiffId(digest("tar")), blob: BlobDigest(digest("blob")), tar_size: 1, blob_size: 1 };
    let mut previous = Previous { layers: BTreeMap::from([(digest("key"), known)]), facts };
    assert_eq!(lacks(&previous).keys().map(PackageName::as_str).collect::<Vec<_>>(), ["hello"]);
    // Without layers there is nothing to take over, whatever it knows.
    previous.layers.clear();
    assert_eq!(lacks(&previous), keys);
}
