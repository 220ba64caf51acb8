use proptest::prelude::*;

use super::*;
use crate::failure::{Class, Classified as _};

fn path(text: &str) -> StorePath {
    StorePath::from_base_name(text).expect("a test's store path")
}

fn sample() -> Lock {
    let git = path("9m07qw38iv7nb3z47f4plc5s9rmgkzbp-git-2.39.5");
    let glibc = path("kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.36");
    let package = |references: &[&StorePath]| LockedPackage {
        nar_hash: Sha256::of(b"nar"),
        nar_size: 1_896_304,
        references: references.iter().copied().cloned().collect(),
        signatures: vec!["base-1:AAAA".to_owned()],
        content_address: None,
        deriver: None,
        channel: Some("base".to_owned()),
        source: Some(NarSource {
            cache: "../cache".to_owned(),
            url: "nar/x.nar.zst".to_owned(),
            compression: "zstd".to_owned(),
            file_hash: Some(Sha256::of(b"file")),
            file_size: Some(17),
        }),
    };
    Lock {
        channels: BTreeMap::from([(
            "base".to_owned(),
            LockedChannel { index_hash: Some(Sha256::of(b"index")), archive: None, release: None },
        )]),
        requests: BTreeMap::from([(
            (System::X86_64Linux, "git".to_owned()),
            LockedRequest {
                channel: Some("base".to_owned()),
                name: "git".to_owned(),
                version: Some("2.39.5".to_owned()),
                outputs: vec![("out".to_owned(), git.clone())],
                deb: None,
                origin: None,
            },
        )]),
        packages: BTreeMap::from([(git, package(&[&glibc])), (glibc.clone(), package(&[&glibc]))]),
        debs: BTreeMap::new(),
        ids: BTreeMap::from([("user/sshd".to_owned(), 999)]),
        base: None,
        runtimes: BTreeMap::new(),
        layers: BTreeMap::from([(System::X86_64Linux, vec![vec!["git".to_owned()], vec!["glibc".to_owned()]])]),
        volatility: None,
        pushed: BTreeMap::from([("registry.example.org/team/app".to_owned(), Sha256::of(b"pushed"))]),
    }
}

fn runtime(nar_hash: Sha256) -> LockedRuntime {
    let path = crate::nix::ContentAddress::Nar(nar_hash).store_path("dumbc-runtime", &[]).expect("a valid name");
    LockedRuntime { path, nar_hash, nar_size: 3_000_000 }
}

const SAMPLE: &str = r#"# What this image is made of: `dumbc lock` extends it, `dumbc update` moves it. Not written by hand; commit it.
version = 1

[channels.base]
index-hash = "sha256:1rn6vzxmpf3n0hxqkl2id1nrgpnjjawki48k33clcsn2j594ph0v"

[ids]
"user/sshd" = 999

[layers]
x86_64-linux = [
  ["git"],
  ["glibc"],
]

[pushed."registry.example.org/team/app"]
digest = "sha256:b77f399d988cdaefde8935e45fe96dc70fdd914b6b18d13bb87a84030b46fa5a"

[[request]]
request = "git"
system = "x86_64-linux"
channel = "base"
name = "git"
version = "2.39.5"
outputs = [{ name = "out", path = "9m07qw38iv7nb3z47f4plc5s9rmgkzbp-git-2.39.5" }]

[[package]]
path = "9m07qw38iv7nb3z47f4plc5s9rmgkzbp-git-2.39.5"
nar-hash = "sha256:0gsyc3g0w8wacg97wwm1iirigsl96k36iijdxiadn8cqcjmx18y1"
nar-size = 1896304
references = ["kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.36"]
signatures = ["base-1:AAAA"]
channel = "base"
source = { cache = "../cache", url = "nar/x.nar.zst", compression = "zstd", file-hash = "sha256:101bq2db3ma3wnf6ycg88s9ar67igjf30kz1sdm1p8zh6s7kb71v", file-size = 17 }

[[package]]
path = "kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.36"
nar-hash = "sha256:0gsyc3g0w8wacg97wwm1iirigsl96k36iijdxiadn8cqcjmx18y1"
nar-size = 1896304
references = ["kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.36"]
signatures = ["base-1:AAAA"]
channel = "base"
source = { cache = "../cache", url = "nar/x.nar.zst", compression = "zstd", file-hash = "sha256:101bq2db3ma3wnf6ycg88s9ar67igjf30kz1sdm1p8zh6s7kb71v", file-size = 17 }
"#;

#[test]
fn text_is_compact_and_sorted() {
    assert_eq!(sample().print(), SAMPLE);
}

#[test]
fn weights_that_no_plan_can_take_are_refused() {
    let weights = BTreeMap::from([("deb/source/curl".to_owned(), 450), ("git".to_owned(), 1800)]);
    let volatility = Some(LockedVolatility { commits: 12, weights });
    let text = Lock { volatility, ..sample() }.print();
    let expected = "\n[volatility]\ncommits = 12\n\n[volatility.weights]\n\"deb/source/curl\" = 450\ngit = 1800\n";
    assert!(text.contains(expected), "{text}");
    for weight in ["0", "1000001", "-1", "1.5"] {
        let text = text.replace("git = 1800", &format!("git = {weight}"));
        assert!(Lock::parse(&text).is_err(), "{weight}");
    }
}

#[test]
fn closure_follows_references_and_names_what_is_missing() {
    let mut lock = sample();
    assert_eq!(lock.closure(lock.roots(System::X86_64Linux)).expect("a whole closure").len(), 2);
    assert!(lock.roots(System::Aarch64Linux).is_empty());
    let glibc = path("kfqwh3pmhmaaivasij5iyz742wga4ghx-glibc-2.36");
    lock.packages.remove(&glibc);
    assert_eq!(lock.closure(lock.roots(System::X86_64Linux)), Err(glibc));
}

/// What the error that `text` gives says, checked to be one of a lock that can't be used: `line: message`.
fn refused(text: &str) -> String {
    let error = Lock::parse(text).expect_err("this text is no lock");
    assert_eq!(error.class(), Class::StaleLock);
    let [finding] = error.diagnostics() else { panic!("no finding: {error}") };
    assert!(finding.help.is_some());
    let (line, _) = finding.place.as_ref().expect("a line").line_column();
    format!("{line}: {}", finding.message)
}

#[track_caller]
fn assert_refused(from: &str, to: &str, expected: &str) {
    assert!(SAMPLE.contains(from), "the sample holds {from}");
    let message = refused(&SAMPLE.replacen(from, to, 1));
    assert!(message.contains(expected), "{message}");
}

#[test]
fn faults_name_their_line() {
    assert_refused("nar-size = 1896304", "nar-size = -1", "30: invalid value: integer `-1`, expected u64");
    assert_refused("sha256:", "sha25:", "is not a SHA-256 digest");
    assert_refused("sha256:0gs", "sha256:0ge", "29: ");
    assert_refused("path = \"9m07", "path = \"9m0e", "does not begin with 32 characters of nix32");
    assert_refused("x86_64-linux = [", "vax = [", "11: this is not a known system");
    assert_refused("system = \"x86_64-linux\"", "system = \"vax\"", "21: this is not a known system");
    assert_refused("signatures", "signatura", "unknown field `signatura`");
    assert_refused("[ids]", "[ids", "7: ");
}

#[test]
fn conflicts_and_newer_formats_are_recognised() {
    assert_refused("[ids]", "<<<<<<< HEAD\n[ids]", "7: a merge left its conflict here");
    assert_eq!(
        refused("version = 2\n[future]\nkey = 1\n"),
        "1: format version 2 is one that a newer dumbc wrote; this one knows 1"
    );
    assert_eq!(refused("version = \"1\"\n"), "1: `version` is not 1");
    assert_eq!(refused(""), "1: `version` is missing");
}

#[test]
fn a_runtime_is_a_table_of_its_system_and_called_by_its_hash() {
    let mut lock = sample();
    lock.runtimes.insert(System::X86_64Linux, runtime(Sha256::of(b"runtime")));
    let text = lock.print();
    let start = text.find("[runtime").expect("the table");
    insta::assert_snapshot!(text[start..].lines().take(4).collect::<Vec<_>>().join("\n"), @r#"
    [runtime.x86_64-linux]
    path = "jdd375f1xb9hqqv8kn0d27ac9pvdyvgs-dumbc-runtime"
    nar-hash = "sha256:08xb2rfr411ma9ap0gs8bxds4n8zgm18a258rmmhjl7zna0nlb6r"
    nar-size = 3000000
    "#);
    assert_eq!(Lock::parse(&text).unwrap(), lock);
    let other = runtime(Sha256::of(b"another")).path;
    let forged = text.replace(runtime(Sha256::of(b"runtime")).path.base_name(), other.base_name());
    assert!(refused(&forged).ends_with(": this path does not follow from `nar-hash`"));
    assert!(
        refused(&text.replace("[runtime.x86_64-linux]", "[runtime.vax]")).ends_with(": this is not a known system")
    );
}

#[test]
fn another_revision_stands_beside_the_version() {
    let mut lock = sample();
    let request = lock.requests.get_mut(&(System::X86_64Linux, "git".to_owned())).expect("the request");
    let revision = "ee09932cedcef15aaf476f9343d1dea2cb77e261".to_owned();
    request.origin = Some(LockedOrigin { revision, attribute: "gitMinimal".to_owned() });
    let text = lock.print();
    let lines =
        "version = \"2.39.5\"\nrevision = \"ee09932cedcef15aaf476f9343d1dea2cb77e261\"\nattribute = \"gitMinimal\"\n";
    assert!(text.contains(lines), "{text}");
    assert_eq!(Lock::parse(&text).expect("a lock"), lock);
    let halved = refused(&text.replace("attribute = \"gitMinimal\"\n", ""));
    assert_eq!(halved, "20: `revision` and `attribute` go together");
    let short = refused(&text.replace("ee09932cedcef15", "ee09"));
    assert_eq!(short, "25: this is no revision: 40 hexadecimal digits");
}

#[test]
fn duplicates_are_refused() {
    let from = |table: &str| &SAMPLE[SAMPLE.find(table).expect("the table")..];
    let twice = refused(&format!("{SAMPLE}\n{}", from("[[package]]\npath = \"kfq")));
    assert_eq!(twice, "46: this package is locked twice");
    let twice = refused(&format!("{SAMPLE}\n{}", from("[[request]]")));
    assert_eq!(twice, "46: this request is locked twice");
}

#[test]
fn lost_order_is_found_again() {
    let mut lock = sample();
    lock.layers.get_mut(&System::X86_64Linux).expect("its layers")[0] = vec!["b".to_owned(), "a".to_owned()];
    let read = Lock::parse(&lock.print()).expect("a lock");
    assert_eq!(read.layers[&System::X86_64Linux][0], ["a", "b"]);
}

#[test]
fn file_is_written_whole_and_only_when_it_changes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("dumbc.lock");
    assert_eq!(Lock::read(&file).expect("no lock is no error"), None);
    assert!(sample().write(&file).expect("the first writing"));
    let written = std::fs::metadata(&file).and_then(|data| data.modified()).expect("its time");
    assert!(!sample().write(&file).expect("the second writing"));
    assert_eq!(std::fs::metadata(&file).and_then(|data| data.modified()).expect("its time"), written);
    assert_eq!(Lock::read(&file).expect("a lock"), Some(sample()));
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1, "no temporary file stays");
}

fn any_path() -> impl Strategy<Value = StorePath> {
    (any::<[u8; 20]>(), "[a-z][a-z0-9+._?=-]{0,30}")
        .prop_map(|(hash, name)| StorePath::from_parts(hash, &name).expect("a valid name"))
}

fn sorted<T: Ord + Clone + std::fmt::Debug>(element: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    proptest::collection::btree_set(element, 0..4).prop_map(|set| set.into_iter().collect())
}

fn any_hash() -> impl Strategy<Value = Sha256> {
    any::<[u8; 32]>().prop_map(Sha256::from_bytes)
}

fn any_source() -> impl Strategy<Value = NarSource> {
    let file = (proptest::option::of(any_hash()), proptest::option::of(0..u64::MAX));
    (any::<String>(), any::<String>(), any::<String>(), file).prop_map(
        |(cache, url, compression, (file_hash, file_size))| NarSource { cache, url, compression, file_hash, file_size },
    )
}

fn any_package() -> impl Strategy<Value = LockedPackage> {
    let text = || proptest::option::of(any::<String>());
    let hints = (text(), text(), text(), proptest::option::of(any_source()));
    (any_hash(), any::<u64>(), sorted(any_path()), sorted(any::<String>()), hints).prop_map(
        |(nar_hash, nar_size, references, signatures, (content_address, deriver, channel, source))| LockedPackage {
            nar_hash,
            nar_size,
            references,
            signatures,
            content_address,
            deriver,
            channel,
            source,
        },
    )
}

fn any_request() -> impl Strategy<Value = LockedRequest> {
    let outputs = proptest::collection::vec((any::<String>(), any_path()), 0..4);
    let answer =
        prop_oneof![outputs.prop_map(|outputs| (outputs, None)), any_deb_name().prop_map(|name| (vec![], Some(name)))];
    let text = || proptest::option::of(any::<String>());
    let origin =
        ("[0-9a-f]{40}", any::<String>()).prop_map(|(revision, attribute)| LockedOrigin { revision, attribute });
    (text(), any::<String>(), text(), answer, proptest::option::of(origin)).prop_map(
        |(channel, name, version, (outputs, deb), origin)| LockedRequest {
            channel,
            name,
            version,
            outputs,
            deb,
            origin,
        },
    )
}

fn any_deb_name() -> impl Strategy<Value = PackageName> {
    "[a-z0-9][a-z0-9+.-]{1,9}".prop_map(|name| name.parse().expect("a name"))
}

fn any_deb() -> impl Strategy<Value = LockedDeb> {
    let version = "[1-9]:[0-9][a-z0-9.~]{0,6}-[0-9]".prop_map(|version| version.parse::<Version>().expect("a version"));
    let words = (any::<String>(), any::<String>(), any::<String>());
    let numbers = (any::<u64>(), any::<u64>(), any_hash());
    (version, any_deb_name(), "pool/[a-z]{1,5}", sorted(any_deb_name()), words, numbers).prop_map(
        |(version, source, file, depends, (architecture, suite, channel), (size, installed_size, sha256))| LockedDeb {
            version,
            architecture,
            source,
            file,
            size,
            sha256,
            installed_size,
            depends,
            suite,
            channel,
        },
    )
}

fn any_channel() -> impl Strategy<Value = LockedChannel> {
    let indices = proptest::collection::btree_map(any::<String>(), any_hash(), 0..3);
    let archive = (any::<String>(), any::<String>(), proptest::option::of(any::<String>()), indices)
        .prop_map(|(origin, codename, version, indices)| LockedArchive { origin, codename, version, indices });
    let release = (any::<String>(), any::<String>(), any::<String>(), any::<u32>()).prop_map(
        |(wanted, name, revision, evaluation)| LockedRelease { wanted, name, revision, evaluation: evaluation.into() },
    );
    (proptest::option::of(any_hash()), proptest::option::of(archive), proptest::option::of(release))
        .prop_map(|(index_hash, archive, release)| LockedChannel { index_hash, archive, release })
}

fn any_runtime() -> impl Strategy<Value = LockedRuntime> {
    (any_hash(), any::<u64>()).prop_map(|(hash, nar_size)| LockedRuntime { nar_size, ..runtime(hash) })
}

fn any_base() -> impl Strategy<Value = LockedBase> {
    use proptest::collection::{btree_map, vec};
    let layer = (any_hash(), any_hash(), any::<String>(), any::<u64>())
        .prop_map(|(digest, diff_id, media_type, size)| LockedBaseLayer { digest, diff_id, media_type, size });
    let image = (proptest::option::of(any_hash()), any_hash(), vec(layer, 0..3))
        .prop_map(|(manifest, config, layers)| LockedBaseImage { manifest, config, layers });
    let system = prop_oneof![Just(System::X86_64Linux), Just(System::Aarch64Linux)];
    (any::<String>(), any_hash(), btree_map(system, image, 1..3)).prop_map(|(reference, digest, images)| LockedBase {
        reference,
        digest,
        images,
    })
}

fn any_volatility() -> impl Strategy<Value = LockedVolatility> {
    (any::<u32>(), proptest::collection::btree_map(any::<String>(), 1..1_000_000_u32, 0..3))
        .prop_map(|(commits, weights)| LockedVolatility { commits, weights })
}

fn any_lock() -> impl Strategy<Value = Lock> {
    use proptest::collection::{btree_map, vec};
    let system = || prop_oneof![Just(System::X86_64Linux), Just(System::Aarch64Linux)];
    (
        btree_map(any::<String>(), any_channel(), 0..3),
        btree_map((system(), any::<String>()), any_request(), 0..4),
        btree_map(any_path(), any_package(), 0..4),
        btree_map((system(), any_deb_name()), any_deb(), 0..4),
        (btree_map(any::<String>(), any::<u32>(), 0..3), proptest::option::of(any_base())),
        btree_map(system(), any_runtime(), 0..3),
        (btree_map(system(), vec(sorted(any::<String>()), 0..4), 0..3), proptest::option::of(any_volatility())),
        btree_map(any::<String>(), any_hash(), 0..3),
    )
        .prop_map(|(channels, requests, packages, debs, (ids, base), runtimes, (layers, volatility), pushed)| {
            Lock { channels, requests, packages, debs, ids, base, runtimes, layers, volatility, pushed }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn reading_undoes_printing(lock in any_lock()) {
        let text = lock.print();
        let read = Lock::parse(&text).expect("what was printed");
        prop_assert_eq!(read.print(), text);
        prop_assert_eq!(read, lock);
    }

    #[test]
    fn mangled_locks_are_refused_without_panic(at in 0..2_000usize, length in 0..40usize, with in ".{0,8}") {
        let text = sample().print();
        let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        let (start, end) = (boundary(at), boundary(at + length));
        let mangled = format!("{}{with}{}", &text[..start], &text[end..]);
        if let Ok(lock) = Lock::parse(&mangled) {
            prop_assert_eq!(Lock::parse(&lock.print()).expect("what was printed"), lock);
        }
    }
}
