//! Writes the seeds that the fuzz targets begin with: `cargo run --example make-corpus` in `fuzz/`.

use std::io;
use std::path::Path;

use dumbc::cache::NarSource;
use dumbc::channel::{Lock, LockedChannel, LockedOrigin, LockedPackage, LockedRelease, LockedRequest};
use dumbc::config::System;
use dumbc::image::tar::{Kind, TAIL, padding, write_header};
use dumbc::image::tree::Metadata;
use dumbc::nix::nar::NarWriter;
use dumbc::nix::{Compression, ContentAddress, NarInfo, PathInfo, SecretKey, Sha256, StorePath};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let seeds = [
        ("nar", nars()?),
        ("invert", nars()?),
        ("tar", tars()),
        ("deb", debs()),
        ("narinfo", narinfos()?),
        ("config", configs()),
        ("index", indexes()),
        ("lock", locks()?),
        ("release", releases()),
        ("apt_sources", apt_sources()),
        ("scripts", scripts()),
        ("generated", generated()),
        ("home", homes()),
        ("formats", homes()),
        ("inside", documents()?),
        ("sent", nars()?),
        ("find", images()),
        ("import", imports()),
        ("origin", image_documents()),
    ];
    for (target, seeds) in seeds {
        let directory = corpus.join(target);
        std::fs::create_dir_all(&directory)?;
        for (name, seed) in seeds {
            std::fs::write(directory.join(name), seed)?;
        }
    }
    Ok(())
}

/// What other tools write, and a small machine in Nix.
fn imports() -> Seeds {
    let path = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-git-2.54.0";
    let devbox = format!(
        r#"{{"lockfile_version":"1","packages":{{"git@latest":{{"resolved":"github:NixOS/nixpkgs/4a29#git","version":"2.54.0","systems":{{"x86_64-linux":{{"outputs":[{{"name":"out","path":"{path}","default":true}}]}},"aarch64-linux":{{"store_path":"{path}"}}}}}}}}}}"#
    );
    let flox = format!(
        r#"{{"lockfile-version":1,"manifest":{{}},"packages":[{{"attr_path":"git","install_id":"git","version":"2.54.0","system":"x86_64-linux","outputs_to_install":["out"],"outputs":{{"out":"{path}"}}}}]}}"#
    );
    let evaluated = format!(
        r#"{{"attr":"x86_64-linux.git","attrPath":["x86_64-linux","git"],"name":"git-2.54.0","outputs":{{"out":"{path}"}},"system":"x86_64-linux"}}"#
    );
    vec![
        ("devbox", devbox.into()),
        ("flox", flox.into()),
        ("eval-jobs", format!("{evaluated}\n{{\"attr\":\"bad\",\"error\":\"it\\nfails\"}}\n").into()),
        ("paths", format!("{path} {path}\n# no\n").into()),
        ("system", include_bytes!("../../src/import/nix/tests/system.nix").into()),
        ("users", include_bytes!("../../src/import/nix/tests/users.nix").into()),
        ("home", include_bytes!("../../src/import/nix/tests/home.nix").into()),
    ]
}

/// What images say of themselves.
fn image_documents() -> Seeds {
    let digest = Sha256::of(b"x").oci();
    let blob =
        |kind: &str| format!(r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"{digest}","size":1}}"#);
    let (manifest, config, layer) = (blob("manifest.v1+json"), blob("config.v1+json"), blob("layer.v1.tar+gzip"));
    let texts = [
        ("index", format!(r#"{{"schemaVersion":2,"manifests":[{manifest}]}}"#)),
        (
            "manifest",
            format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{layer}],"annotations":{{"a":"b"}}}}"#),
        ),
        (
            "configuration",
            format!(
                r#"{{"os":"linux","architecture":"amd64","config":{{"Env":["A=b"],"Cmd":["sh"],"Labels":null}},"history":[{{"created_by":"dumbc","comment":"git-2.39.5"}}],"rootfs":{{"diff_ids":["{digest}"]}}}}"#
            ),
        ),
        ("docker", r#"[{"Config":"a.json","RepoTags":["app:1"],"Layers":["a/layer.tar"]}]"#.to_owned()),
    ];
    texts.map(|(name, text)| (name, text.into_bytes())).into()
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
    let mut accents = NarWriter::new(Vec::new());
    accents.directory(b"")?;
    for name in ["a\u{302}", "e\u{301}", "e\u{301}x", "\u{e9}y", "\u{e9}\u{301}"] {
        accents.symlink(name.as_bytes(), b".")?;
    }
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
        ("accents", accents.finish()?),
        ("deep", deep.finish()?),
    ])
}

fn scripts() -> Seeds {
    let seeds: [(&str, &str); 4] = [
        (
            "alternatives",
            "for i in vi view; do update-alternatives --install /usr/bin/$i $i /usr/bin/vim 30 $(echo --slave); done",
        ),
        (
            "accounts",
            "case \"$1\" in configure) getent passwd x >/dev/null || adduser --system --home /x --group x;; esac",
        ),
        (
            "files",
            "t=`mktemp`; cat > $t <<-EOF\n\ta $b\n\tEOF\nf() { mv \"$1\" ${2:-/etc/x}; chmod u+s /etc/x; }; f $t",
        ),
        ("loops", "x=a.b; while [ -n \"$x\" ]; do mkdir /${x%%.*}; x=${x#*.}; [ $x = b ] && break; done < /dev/null"),
    ];
    seeds.map(|(name, text)| (name, format!("#!/bin/sh\nset -e\n{text}\n").into_bytes())).into()
}

fn tars() -> Seeds {
    let archive = |entries: &[(&[u8], Kind<'_>, Metadata, &[u8])]| {
        let mut archive = Vec::new();
        for (path, kind, metadata, contents) in entries {
            write_header(&mut archive, path, *kind, *metadata);
            archive.extend_from_slice(contents);
            archive.extend_from_slice(padding(contents.len() as u64));
        }
        archive.extend_from_slice(&TAIL);
        archive
    };
    let root = b"nix/store/00000000000000000000000000000000-hello-1.0";
    let below = |name: &[u8]| [&root[..], b"/", name].concat();
    let long = below(&[b'n'; 255]);
    let package = archive(&[
        (b"nix", Kind::Directory, Metadata::root(0o755), b""),
        (b"nix/store", Kind::Directory, Metadata::root(0o755), b""),
        (root, Kind::Directory, Metadata::root(0o555), b""),
        (&below(b"bin"), Kind::Directory, Metadata::root(0o555), b""),
        (&below(b"bin/hello"), Kind::File(9), Metadata::root(0o555), b"#!/bin/sh"),
        (&below(b"link"), Kind::Symlink(b"bin/hello"), Metadata::root(0o777), b""),
        (&long, Kind::File(1), Metadata::root(0o444), b"x"),
        (&below(b"o"), Kind::Symlink(&[b't'; 300]), Metadata::root(0o777), b""),
    ]);
    let file = archive(&[(root, Kind::File(3), Metadata::root(0o444), b"abc")]);
    let owned = archive(&[
        (b"home/alice", Kind::Directory, Metadata { mode: 0o700, uid: 1000, gid: 1000 }, b""),
        (b"home/alice/.profile", Kind::File(0), Metadata { mode: 0o4644, uid: u32::MAX, gid: 1 << 21 }, b""),
    ]);
    vec![("package", package), ("file", file), ("owned", owned), ("empty", archive(&[]))]
}

fn debs() -> Seeds {
    let mut files = Vec::new();
    let mut put = |path: &[u8], kind: Kind<'_>, contents: &[u8]| {
        write_header(&mut files, path, kind, Metadata::root(0o644));
        files.extend_from_slice(contents);
        files.extend_from_slice(padding(contents.len() as u64));
    };
    put(b"./bin", Kind::Directory, b"");
    put(b"./bin/tool", Kind::File(9), b"#!/bin/sh");
    put(b"./usr/bin/other", Kind::HardLink(b"./bin/tool"), b"");
    put(b"./etc/link", Kind::Symlink(b"../bin/tool"), b"");
    files.extend_from_slice(&TAIL);
    let mut control = Vec::new();
    let text = b"Package: ours\nVersion: 1\nArchitecture: all\n";
    write_header(&mut control, b"./control", Kind::File(text.len() as u64), Metadata::root(0o644));
    control.extend_from_slice(text);
    control.extend_from_slice(padding(text.len() as u64));
    control.extend_from_slice(&TAIL);
    let mut package = b"!<arch>\n".to_vec();
    for (name, content) in [("debian-binary", &b"2.0\n"[..]), ("control.tar", &control), ("data.tar", &files)] {
        package.extend_from_slice(format!("{name:<16}{:<32}{:<10}`\n", "0", content.len()).as_bytes());
        package.extend_from_slice(content);
    }
    vec![("files", files), ("package", package)]
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

fn homes() -> Seeds {
    let base = "packages = [\"git\", \"ours#jq\"]\nsessionPath = [\"$HOME/bin\"]\nsessionVariables = { A = \"${B:-x}\", B = \"$HOME\" }\n\
        shellAliases.ll = \"ls -l\"\n[file.\".x/y\"]\ntext = \"${pkgs.git}\"\n[file.z]\nyaml = { a = [1, { b = 2.5 }], c = \"no\" }\n\
        [xdg.configFile.\"a/b\"]\nsource = \"${pkgs.git}/bin\"\nrecursive = true\n[daemons.d]\ncommand = [\"git\", \"daemon\"]\nports = [8080]\n";
    let shells = "[programs.bash]\nenable = true\ninitExtra = \"x\"\nhistorySize = 5\n[programs.zsh]\nenable = true\n\
        history.size = 3\nsyntaxHighlighting.enable = true\n[programs.fish]\nenable = true\nfunctions.f = \"echo\"\n\
        [programs.starship]\nenable = true\nsettings.add_newline = false\n[programs.fzf]\nenable = true\n[programs.eza]\nenable = true\n\
        [programs.zoxide]\nenable = true\n[programs.direnv]\nenable = true\n[programs.readline]\nenable = true\nvariables.x = true\n";
    let programs = "[programs.git]\nenable = true\nuserName = \"A\"\nsettings.url.\"x.y\".insteadOf = [\"a\", \"b\"]\nignores = [\"*~\"]\n\
        [programs.tmux]\nenable = true\nplugins = [\"tmuxPlugins.sensible\"]\nbaseIndex = 1\n[programs.vim]\nenable = true\nplugins = [\"vimPlugins.x\"]\n\
        settings.number = true\n[programs.neovim]\nenable = true\nextraConfig = \"x\"\n[programs.ssh]\nenable = true\n[programs.ssh.matchBlocks.x]\n\
        hostname = \"y\"\nport = 22\n[programs.bat]\nenable = true\nconfig.theme = \"x\"\n[programs.less]\nenable = true\n[programs.htop]\nenable = true\n\
        settings.tree_view = 1\n[programs.gh]\nenable = true\nsettings.aliases.co = \"pr checkout\"\n[programs.jq]\nenable = true\ncolors.null = \"1;30\"\n";
    let own = "without = [\"jq\"]\npackages = [\"bat\"]\n[programs.git]\nsettings.user.name = \"B\"\n[programs.tmux]\nenable = false\n";
    let two = |one: &str, other: &str| format!("{one}\0{other}").into_bytes();
    vec![
        ("base", two(base, own)),
        ("shells", two(shells, base)),
        ("programs", two(programs, own)),
        ("alone", two("", "inherit = false\npackages = [\"a\"]\n")),
        (
            "data",
            b"a = 1e9\n\"\" = -0.0\nd = 1979-05-27\n[s.\"t.u\"]\nv = [\"w\", true]\ns = \"\"\"\nx\n\ty: z\"\"\"\n"
                .to_vec(),
        ),
        ("references", "$a\n${a:-$b}\n\\$x${a-${b:-c}}\n".into()),
    ]
}

/// The first byte says what the rest is.
fn documents() -> Result<Seeds, Box<dyn std::error::Error>> {
    let of = |kind: u8, text: &[u8]| [&[kind], text].concat();
    let account = r#"{"name":"alice","uid":1000,"gid":1000,"groups":[],"home":"/home/alice","shell":"/bin/sh"}"#;
    let unit = |name: &str, rest: &str| {
        format!(
            r#"{{"name":"{name}","command":["/bin/x"],"account":{account},"restart":"always","stop":{{"signal":"SIGTERM","grace":10}}{rest}}}"#
        )
    };
    let more = r#","after":["a"],"ports":[80],"ready":{"port":80},"health":{"http":"/","interval":1,"grace":2},"secrets":["S"]"#;
    let plan = format!(
        r#"{{"version":1,"image":"m:latest","system":"x86_64-linux","hostname":"m","runtime":"/r","environment":{{}},"path":["/bin"],"volume":"/data","persist":[{{"path":"/var/x","uid":0,"gid":0,"mode":448}}],"folders":[],"users":{{"alice":{{"account":{account},"generation":"/nix/store/g"}}}},"entrypoint":{},"daemons":[{},{}],"channels":{{"o":{{"caches":[],"keys":[]}}}},"logs":{{"json":false,"persist":true}},"user-rebuild":true}}"#,
        unit("entrypoint", ""),
        unit("a", ""),
        unit("b@alice", more),
    );
    let base = r#"{"version":1,"layers":[{"origin":"home.toml","table":{"packages":["git"]}}],"packages":{"git":["/nix/store/x"]},"sources":{}}"#;
    let git = StorePath::from_parts([4; 20], "git-1")?;
    let registration = format!("{git}\n{}\n1234\n\n1\n{git}\n", Sha256::of(b"nar").hex());
    let framed = |text: String| [&u32::try_from(text.len()).unwrap_or(0).to_be_bytes()[..], text.as_bytes()].concat();
    let requests = [
        format!(r#"{{"fetch":{{"paths":["{git}"]}}}}"#),
        format!(r#"{{"add":{{"name":"home-alice","references":["{git}"],"size":12}}}}"#),
        r#"{"select":{"target":{"number":3}}}"#.to_owned(),
    ]
    .map(framed)
    .concat();
    let home = "f.bashrc\no.profile\nd.config\no.config/old/x\nl.vimrc\no.a\0.profile\n.config/old/x\n.a\na\0.bashrc\n.profile\n.config/git/config\na/b\n";
    Ok(vec![
        ("plan", of(0, plan.as_bytes())),
        ("base", of(0, base.as_bytes())),
        ("registration", of(1, registration.as_bytes())),
        ("registered", of(2, &narinfos()?.remove(0).1)),
        ("requests", of(3, &requests)),
        ("logs", of(4, br#"{"logs":{"unit":"x","lines":100,"follow":true}}"#)),
        ("home", of(5, home.as_bytes())),
    ])
}

fn images() -> Seeds {
    let put = |archive: &mut Vec<u8>, path: &str, content: &[u8]| {
        write_header(archive, path.as_bytes(), Kind::File(content.len() as u64), Metadata::root(0o644));
        archive.extend_from_slice(content);
        archive.extend_from_slice(padding(content.len() as u64));
    };
    let mut layer = Vec::new();
    put(&mut layer, "etc/dumbc/boot.json", b"{}");
    layer.extend_from_slice(&TAIL);
    let mut removed = Vec::new();
    put(&mut removed, "etc/dumbc/.wh.boot.json", b"");
    removed.extend_from_slice(&TAIL);
    let image = |names: &str| {
        let mut archive = Vec::new();
        let manifest = format!(r#"[{{"Config":"c.json","RepoTags":["m:latest"],"Layers":[{names}]}}]"#);
        for (name, content) in [
            ("a/layer.tar", &layer[..]),
            ("b/layer.tar", &removed),
            ("c.json", b"{}"),
            ("manifest.json", manifest.as_bytes()),
        ] {
            put(&mut archive, name, content);
        }
        archive.extend_from_slice(&TAIL);
        archive
    };
    vec![("there", image(r#""a/layer.tar""#)), ("gone", image(r#""a/layer.tar","b/layer.tar""#))]
}

fn releases() -> Seeds {
    let digest = Sha256::of(b"index").hex();
    let release = format!(
        "Origin: Debian\nSuite: stable\nCodename: bookworm\nVersion: 12.5\nDate: Sat, 17 May 2025 08:57:30 UTC\n\
         Valid-Until: Sat, 24 May 2025 08:57:30 UTC\nAcquire-By-Hash: yes\nArchitectures: all amd64\n\
         Components: main updates/contrib\nSHA256:\n {digest} 5 main/binary-amd64/Packages\n {digest} 5 main/Packages.xz\n"
    );
    let signed = format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{release}- -dash\n-----BEGIN PGP SIGNATURE-----\n\n\
         iHUEARYKAB0=\n-----END PGP SIGNATURE-----\n"
    );
    vec![("plain", release.into_bytes()), ("signed", signed.into_bytes())]
}

fn apt_sources() -> Seeds {
    let lines = "# comment\ndeb [arch=amd64,arm64 signed-by=/a.gpg trusted=yes] https://example.org/debian bookworm main # why\n\
        deb-src https://example.org x y\ndeb cdrom:[Debian 12]/ bookworm main contrib\n";
    let paragraphs = "Types: deb deb-src\nURIs: https://example.org file:/srv\nSuites: bookworm bookworm-updates\n\
        Components: main\nArchitectures: amd64\nEnabled: yes\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abcd\n\nTypes: deb\nURIs: x\nSuites: ./\n";
    vec![("lines", lines.into()), ("paragraphs", paragraphs.into())]
}

fn generated() -> Seeds {
    let control = "Package: tool\nDepends: libc6 (>= 2.36), perl:any | perl5 (<< 6)\nProvides: awk (= 1)\n";
    let users =
        "u tool 100 \"a tool\" /var/lib/tool\ng staff -\nm tool staff\nd /run/tool 0755 tool tool -\nL /x - - - - y\n";
    let conf = "include /etc/ld.so.conf.d/*.conf\n/usr/lib\n/opt/lib # ours\n";
    let certificate = "-----BEGIN CERTIFICATE-----\nMAkwBzAFAgEBAgEB\n-----END CERTIFICATE-----\n";
    let mut library = b"\x7fELF\x02\x01\x01".to_vec();
    library.resize(64, 0);
    library[16] = 3;
    library[18] = 62;
    library[32] = 64;
    library[54] = 56;
    let whole = |control: &str| {
        let text = [control.as_bytes(), conf.as_bytes(), certificate.as_bytes(), &library];
        text.join(&b"\n==\n"[..])
    };
    vec![("control", whole(control)), ("users", whole(users))]
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

fn indexes() -> Seeds {
    let path = "/nix/store/9m07qw38iv7nb3z47f4plc5s9rmgkzbp-git-2.39.5";
    let plain = format!(
        r#"{{"attr":"git","attrPath":["git"],"name":"git-2.39.5","outputs":{{"out":"{path}"}},"system":"x86_64-linux"}}"#
    );
    let versions = format!(
        "{plain}\n{}\n{}\n",
        r#"{"attr":"python3","name":"python3-3.12.7","outputs":["out","dev"],"system":"aarch64-linux"}"#,
        r#"{"attr":"python3","name":"python3-3.11","version":"3","outputs":{"out":null},"system":"aarch64-linux"}"#,
    );
    let failed = r#"{"attr":"a.\"b\"","attrPath":["a","b"],"error":"error:\n broken"}"#;
    let meta = format!(
        r#"{{"attr":"git","name":"git-1","meta":{{"outputsToInstall":["dev"]}},"outputs":{{"dev":{{"x86_64-linux":"{path}"}}}},"system":"x86_64-linux"}}"#
    );
    vec![("plain", plain.into()), ("versions", versions.into()), ("failed", failed.into()), ("meta", meta.into())]
}

fn locks() -> Result<Seeds, Box<dyn std::error::Error>> {
    let (git, libc) = (StorePath::from_parts([4; 20], "git-2.39.5")?, StorePath::from_parts([3; 20], "libc-2.36")?);
    let source = NarSource {
        cache: "../cache".to_owned(),
        url: "nar/x.nar.zst".to_owned(),
        compression: "zstd".to_owned(),
        file_hash: Some(Sha256::of(b"file")),
        file_size: Some(567),
    };
    let package = |references: &[&StorePath]| LockedPackage {
        nar_hash: Sha256::of(b"nar"),
        nar_size: 1234,
        references: references.iter().map(|path| (*path).clone()).collect(),
        signatures: vec!["corpus-1:AAAA".to_owned()],
        content_address: None,
        deriver: None,
        channel: Some("ours".to_owned()),
        source: Some(source.clone()),
    };
    let mut lock = Lock::default();
    let empty = lock.print();
    lock.packages.extend([(git.clone(), package(&[&libc, &git])), (libc.clone(), package(&[]))]);
    let ours = LockedChannel { index_hash: Some(Sha256::of(b"index")), archive: None, release: None };
    let release = LockedRelease {
        wanted: "nixos-26.05".to_owned(),
        name: "nixos-26.05.1234.0123456789ab".to_owned(),
        revision: "01".repeat(20),
        evaluation: 1_800_000,
    };
    let nixos = LockedChannel { index_hash: None, archive: None, release: Some(release) };
    lock.channels.extend([("ours".to_owned(), ours), ("nixos".to_owned(), nixos)]);
    lock.requests.insert(
        (System::X86_64Linux, "git".to_owned()),
        LockedRequest {
            channel: Some("ours".to_owned()),
            name: "git".to_owned(),
            version: Some("2.39.5".to_owned()),
            outputs: vec![("out".to_owned(), git)],
            deb: None,
            origin: Some(LockedOrigin { revision: "23".repeat(20), attribute: "git_2_39".to_owned() }),
        },
    );
    let closure = lock.print();
    lock.ids.insert("sshd".to_owned(), 999);
    lock.layers.insert(System::X86_64Linux, vec![vec!["git".to_owned()], vec!["libc".to_owned()]]);
    Ok(vec![("empty", empty.into()), ("closure", closure.into()), ("layers", lock.print().into())])
}
