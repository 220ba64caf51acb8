//! Keys, signatures and archives for this room's tests.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, DetachedSignature, KeyType, SecretKeyParamsBuilder, SignedSecretKey,
    SubkeyParamsBuilder,
};
use pgp::packet::{Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{Password, SigningKey, Timestamp as KeyTime};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

use crate::cache::http::{Clock, Netrc, Proxies, Tokens};
use crate::cache::{Http, HttpSettings};
use crate::nix::Sha256;

/// When keys are made.
pub(super) const BIRTH: u32 = 1_600_000_000;

/// When archives are signed: 2025-05-17.
pub(super) const SIGNED: u32 = 1_747_440_000;

/// Three days later.
pub(super) fn now() -> Timestamp {
    Timestamp::from_second(i64::from(SIGNED) + 3 * 86_400).unwrap()
}

struct Still;

impl Clock for Still {
    fn now(&self) -> SystemTime {
        now().into()
    }

    fn sleep(&self, _duration: Duration) {}
}

/// A client that must not go to the network.
pub(super) fn http() -> Arc<Http> {
    let (netrc, proxies, clock) = (Netrc::default(), Proxies::default(), Arc::new(Still));
    Arc::new(Http::new(HttpSettings { offline: true, netrc, tokens: Tokens::default(), proxies, clock }))
}

/// A key with a subkey; `can_sign` is about the main key, the subkey always can.
pub(super) fn key(seed: u64, can_sign: bool) -> SignedSecretKey {
    let subkey = SubkeyParamsBuilder::default()
        .key_type(KeyType::Ed25519)
        .can_sign(true)
        .created_at(KeyTime::from_secs(BIRTH))
        .build()
        .unwrap();
    let params = SecretKeyParamsBuilder::default()
        .key_type(KeyType::Ed25519)
        .can_certify(true)
        .can_sign(can_sign)
        .created_at(KeyTime::from_secs(BIRTH))
        .primary_user_id(format!("Archive {seed} <archive@example.org>"))
        .subkey(subkey)
        .build()
        .unwrap();
    params.generate(StdRng::seed_from_u64(seed)).unwrap()
}

/// A keyring's file, armoured.
pub(super) fn armored(key: &SignedSecretKey) -> String {
    key.to_public_key().to_armored_string(ArmorOptions::default()).unwrap()
}

/// What a signature of `typ` by `key` at `time` is made from.
pub(super) fn config(key: &impl SigningKey, typ: SignatureType, time: u32) -> SignatureConfig {
    let mut config = SignatureConfig::v4(typ, key.algorithm(), key.hash_alg());
    config.hashed_subpackets = [
        SubpacketData::SignatureCreationTime(KeyTime::from_secs(time)),
        SubpacketData::IssuerFingerprint(key.fingerprint()),
    ]
    .map(|data| Subpacket::regular(data).unwrap())
    .to_vec();
    config
}

/// A signature over a text's canonical form.
pub(super) fn sign(key: &impl SigningKey, text: &str, time: u32) -> Signature {
    let canonical = text.strip_suffix('\n').unwrap().replace('\n', "\r\n");
    config(key, SignatureType::Text, time).sign(key, &Password::empty(), canonical.as_bytes()).unwrap()
}

/// `text`, which ends in a newline, with signatures around it.
pub(super) fn clearsigned(text: &str, signatures: Vec<Signature>) -> String {
    let text = text.strip_suffix('\n').unwrap();
    let message = CleartextSignedMessage::new_many(text, |_| Ok(signatures)).unwrap();
    message.to_armored_string(ArmorOptions::default()).unwrap()
}

/// An archive in a folder.
pub(super) struct TestArchive {
    pub(super) folder: TempDir,
    pub(super) key: SignedSecretKey,
}

impl TestArchive {
    /// An empty one, with its keyring.
    pub(super) fn new() -> Self {
        let (folder, key) = (tempfile::tempdir().unwrap(), key(1, true));
        fs::write(folder.path().join("key.asc"), armored(&key)).unwrap();
        Self { folder, key }
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(super) fn text(&self) -> String {
        self.folder.path().to_str().unwrap().to_owned()
    }

    /// Writes a file, with its folders.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Writes a package's file; its paragraph for the index.
    pub(super) fn package(&self, name: &str, version: &str) -> String {
        let file = format!("pool/main/{name}_{version}_amd64.deb");
        let content = format!("!<arch>\n{name} {version}");
        self.write(&file, content.as_bytes());
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nFilename: {file}\nSize: {}\nSHA256: {}\n\n",
            content.len(),
            Sha256::of(content.as_bytes()).hex()
        )
    }

    /// Writes and signs a suite whose amd64 index of `main` is `index`, compressed as `ending` says.
    pub(super) fn suite(&self, suite: &str, fields: &str, index: &str, ending: &str) {
        let plain = "main/binary-amd64/Packages";
        let packed = compress(index.as_bytes(), ending);
        self.write(&format!("dists/{suite}/{plain}{ending}"), &packed);
        let line = |name: &str, bytes: &[u8]| format!(" {} {} {name}\n", Sha256::of(bytes).hex(), bytes.len());
        let files = line(plain, index.as_bytes()) + &line(&format!("{plain}{ending}"), &packed);
        self.release(suite, &format!("{fields}SHA256:\n{files}"));
    }

    /// Signs and writes a suite's Release file.
    pub(super) fn release(&self, suite: &str, text: &str) {
        let signed = clearsigned(text, vec![sign(&*self.key, text, SIGNED)]);
        self.write(&format!("dists/{suite}/InRelease"), signed.as_bytes());
    }

    /// The same with the signature beside the file.
    pub(super) fn detached_release(&self, suite: &str, text: &str) {
        self.write(&format!("dists/{suite}/Release"), text.as_bytes());
        let config = config(&*self.key, SignatureType::Binary, SIGNED);
        let signature = config.sign(&*self.key, &Password::empty(), text.as_bytes()).unwrap();
        let armored = DetachedSignature::new(signature).to_armored_string(ArmorOptions::default()).unwrap();
        self.write(&format!("dists/{suite}/Release.gpg"), armored.as_bytes());
    }
}

/// A Release file's first fields.
pub(super) fn fields(suite: &str) -> String {
    format!(
        "Origin: Debian\nSuite: stable\nCodename: {suite}\nVersion: 12.5\nDate: Sat, 17 May 2025 00:00:00 UTC\n\
         Architectures: amd64 arm64\nComponents: main contrib\n"
    )
}

fn compress(bytes: &[u8], ending: &str) -> Vec<u8> {
    match ending {
        ".xz" => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        ".gz" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        ".zst" => zstd::encode_all(bytes, 1).unwrap(),
        _ => bytes.to_vec(),
    }
}

/// Files below a folder, by their names.
pub(super) fn files_below(folder: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file());
    files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
