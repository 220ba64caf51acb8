//! Writes the seeds that the fuzz targets begin with: `cargo run --example make-corpus` in `fuzz/`.

use std::io;
use std::path::Path;

use dumbc::nix::nar::NarWriter;
use dumbc::nix::{Compression, ContentAddress, NarInfo, PathInfo, SecretKey, Sha256, StorePath};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let seeds = [("nar", nars()?), ("narinfo", narinfos()?), ("config", configs())];
    for (target, seeds) in seeds {
        let directory = corpus.join(target);
        std::fs::create_dir_all(&directory)?;
        for (name, seed) in seeds {
            std::fs::write(directory.join(name), seed)?;
        }
    }
    Ok(())
}

type Seeds = Vec<(&'static str, Vec<u8>)>;

fn nars() -> io::Result<Seeds> {
    let file = |executable, contents: &[u8]| {
        let mut writer = NarWriter::new(Vec::new());
        writer.regular(b"", executable, contents.len() as u64, &mut &*contents)?;
        writer.finish()
    };
    let mut link = NarWriter::new(Vec::new());
    link.symlink(b"", b"../target")?;
    let mut empty = NarWriter::new(Vec::new());
    empty.directory(b"")?;
    let mut tree = NarWriter::new(Vec::new());
    tree.directory(b"")?;
    tree.regular(b"README", false, 0, &mut io::empty())?;
    tree.directory(b"bin")?;
    tree.regular(b"bin/tool", true, 9, &mut &b"#!/bin/sh"[..])?;
    tree.symlink(b"bin/with space", b"tool")?;
    let mut deep = NarWriter::new(Vec::new());
    for depth in 0..20 {
        deep.directory(vec!["d"; depth].join("/").as_bytes())?;
    }
    deep.regular(b"e", false, 8, &mut &b"12345678"[..])?;
    deep.symlink(b"f", b"d/d")?;
    Ok(vec![
        ("file", file(false, b"contents")?),
        ("program", file(true, b"\x7fELF")?),
        ("link", link.finish()?),
        ("empty", empty.finish()?),
        ("tree", tree.finish()?),
        ("deep", deep.finish()?),
    ])
}

fn configs() -> Seeds {
    let system = "channel = \"ours\"\npackages = [\"bash\", \"ours#git@2^out,man\", \"./dist\"]\n\n\
        [channels.ours]\nindex = \"index.jsonl\"\ncaches = [\"../cache\"]\nkeys = []\n\n\
        [image]\nname = \"machine\"\nlayers = 20\nenv = { EDITOR = \"vim\" }\n\n\
        [entrypoint]\ncommand = [\"${pkgs.git}/bin/git\", \"--version\"]\nuser = \"alice\"\nport = 8080\n\
        health = { http = \"/\", interval = \"30s\" }\n\n\
        [daemons.sync]\ncommand = [\"./sync.sh\"]\nuser = \"*\"\n\n\
        [files.\"/etc/motd\"]\ntext = \"hello\"\nmode = \"0644\"\n";
    let users = "[alice]\nuid = 1000\ngroups = [\"wheel\"]\n[alice.home]\npackages = [\"ripgrep\"]\n";
    let home =
        "sessionVariables.EDITOR = \"vim\"\n[programs.git]\nenable = true\nsettings.init.defaultBranch = \"main\"\n";
    vec![
        ("minimal", b"packages = [\"bash\"]\n".to_vec()),
        ("system", system.into()),
        ("all", [system, users, home].join("\0").into_bytes()),
    ]
}

fn narinfos() -> Result<Seeds, Box<dyn std::error::Error>> {
    let hash = Sha256::of(b"content");
    let reference = StorePath::from_parts([3; 20], "libc-2.36")?;
    let address = ContentAddress::Nar(hash);
    let path = address.store_path("hello-1.0", std::slice::from_ref(&reference))?;
    let mut full = NarInfo {
        info: PathInfo {
            path,
            nar_hash: hash,
            nar_size: 1234,
            references: vec![reference],
            signatures: Vec::new(),
            content_address: Some(address.to_string()),
        },
        url: format!("nar/{}.nar.zst", hash.nix32()),
        compression: Compression::Zstd,
        file_hash: Some(Sha256::of(b"file")),
        file_size: Some(567),
        deriver: Some(StorePath::from_parts([5; 20], "hello-1.0.drv")?),
        system: Some("x86_64-linux".to_owned()),
    };
    let unsigned = full.print();
    full.info.sign(&SecretKey::generate("corpus-1", [2; 32])?);
    let signed = full.print();
    let text = ContentAddress::Text(hash);
    full.info = PathInfo {
        path: text.store_path("script", &[])?,
        references: Vec::new(),
        content_address: Some(text.to_string()),
        ..full.info
    };
    Ok(vec![("unsigned", unsigned.into()), ("signed", signed.into()), ("text", full.print().into())])
}
