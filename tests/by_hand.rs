//! By hand: dumps what becomes of the packages in a folder.

use dumbc::cache::DecoderBudget;
use dumbc::channel::debian::read_deb;
use dumbc::deb::{ArReader, Paragraph};
use dumbc::image::codec::Codec;
use dumbc::image::tar::TAIL;
use dumbc::image::untar::{TarKind, TarReader};
use dumbc::nix::Sha256;
use dumbc::store::{DebIdentity, FragmentKey, Pool, Store};
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;

#[test]
fn by_hand() {
    let folder = std::env::var("DEBS").unwrap();
    let temp = tempfile::tempdir().unwrap();
    let store = Store::open(temp.path(), false).unwrap();
    let pool = Pool::new(2);
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|e| e != "deb") {
            continue;
        }
        let control = fs::read_to_string(path.with_extension("control")).unwrap();
        let p = Paragraph::parse(&control).unwrap();
        let size: u64 = p.get("Installed-Size").unwrap_or("0").parse().unwrap();
        let id = DebIdentity {
            name: p.get("Package").unwrap().parse().unwrap(),
            version: p.get("Version").unwrap().parse().unwrap(),
            architecture: p.get("Architecture").unwrap().into(),
            installed_size: size * 1024,
        };
        let bytes = fs::read(&path).unwrap();
        let start = std::time::Instant::now();
        let mut w = store.write_deb(&pool, Codec::None, &id).unwrap();
        if let Err(e) = read_deb(&mut &bytes[..], &DecoderBudget::default(), &mut w) {
            println!("{}: {e:?}", path.display());
            continue;
        }
        let f = w.finish(&store, FragmentKey::deb(&Sha256::of(&bytes))).unwrap();
        println!("{} {:?} {}", path.display(), start.elapsed(), f.tar_size());
        let mut tar = Vec::new();
        store.read_fragment(&f).unwrap().copy_members(&mut tar).unwrap();
        tar.extend_from_slice(&TAIL);
        let mut out = String::new();
        let mut reader = TarReader::new(&tar[..]);
        while let Some(e) = reader.next_entry().unwrap() {
            let mut content = Vec::new();
            let link = match &e.kind {
                TarKind::Symlink(t) => format!("s {}", String::from_utf8_lossy(t)),
                TarKind::HardLink(t) => format!("h {}", String::from_utf8_lossy(t)),
                TarKind::File(_) => {
                    reader.read_to_end(&mut content).unwrap();
                    format!("f {}", Sha256::of(&content).hex())
                }
                k => panic!("{k:?}"),
            };
            writeln!(
                out,
                "{} {:o} {} {} {link}",
                String::from_utf8_lossy(&e.path),
                e.metadata.mode,
                e.metadata.uid,
                e.metadata.gid
            )
            .unwrap();
        }
        fs::write(path.with_extension("ours"), out).unwrap();
        let listing = store.listing(&f).unwrap();
        let text: String = listing
            .entries()
            .iter()
            .map(|e| format!("{} {:o} {} {} {:?}\n", e.path, e.metadata.mode, e.metadata.uid, e.metadata.gid, e.kind))
            .collect();
        fs::write(path.with_extension("listing"), text).unwrap();
        fs::write(path.with_extension("facts"), serde_json::to_vec_pretty(&store.facts(&f).unwrap()).unwrap()).unwrap();
        let _ = ArReader::new(&bytes[..]);
    }
}
