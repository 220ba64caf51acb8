//! Builds that are killed, stores that are damaged or lie.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::project::{Built, Cache, Project, noise};

/// A closure that takes a while: a chain of packages, some of them large.
fn closure(packages: u64) -> (Cache, String) {
    let cache = Cache::new();
    let mut previous = String::new();
    let mut names = Vec::new();
    for number in 0..packages {
        let size = if number % 5 == 0 { 1_500_000 } else { 100_000 };
        let file = noise(number, size);
        let name = format!("part{number}-1.0");
        previous = cache.add(&name, &[("share/noise", &file), ("share/next", previous.as_bytes())]);
        names.push(format!("\"part{number}\""));
    }
    (cache, format!("[{}]", names.join(", ")))
}

/// A generator of numbers that are the same in every run of the tests.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 % limit).unwrap()
    }
}

/// A build that may be killed.
fn start(project: &Project, output: &Path) -> std::process::Child {
    project.dumbc(&["build", "-o", output.to_str().unwrap()]).spawn()
}

#[test]
fn a_killed_build_leaves_nothing_that_the_next_one_minds() {
    let (cache, packages) = closure(12);
    let project = Project::new();
    project.system(&cache, &packages, "");
    let clock = Instant::now();
    let first = project.build("it.tar.gz", &[]);
    let mut whole = clock.elapsed();
    let (digests, bytes) = (first.digests(), first.bytes());
    let output = first.path.clone();
    let mut numbers = Numbers(0x00D1_5EA5_E000);
    let mut killed = 0;
    for round in 0..50 {
        if round % 2 == 0 {
            // Cold again: every moment of a build is met, not only those of a warm one.
            fs::remove_dir_all(project.store()).unwrap();
            drop(fs::remove_file(project.path("dumbc.lock")));
        }
        let moment = whole * numbers.below(1000) / 900;
        let mut build = start(&project, &output);
        let mut collection = project.dumbc(&["gc", "--max-size", "6MB"]).spawn();
        std::thread::sleep(moment);
        drop(build.kill());
        if build.wait().unwrap().code().is_none() {
            killed += 1;
        } else {
            // It was faster than thought.
            whole = whole.mul_f64(0.9);
        }
        assert!(collection.wait().unwrap().success());
        // What was there before, or the same bytes anew; never half of them.
        assert!(fs::read(&output).unwrap() == bytes, "the archive is damaged after {moment:?}");
        let next = project.build("next.tar.gz", &[]);
        assert_eq!(next.digests(), digests);
        assert!(next.bytes() == bytes);
    }
    assert!(killed >= 15, "only {killed} builds were killed before they ended");
    project.dumbc(&["gc"]).ok();
    assert_eq!(project.leftovers(), Vec::<PathBuf>::new());
}

#[test]
fn a_build_killed_while_it_writes_leaves_the_old_file_or_none() {
    let (cache, packages) = closure(6);
    let project = Project::new();
    project.system(&cache, &packages, "");
    project.build("warm.tar.gz", &[]);
    let output = project.path("out/it.tar.gz");
    fs::create_dir(project.path("out")).unwrap();
    let clock = Instant::now();
    project.build("warm.tar.gz", &[]);
    let whole = clock.elapsed();
    let expected = fs::read(project.path("warm.tar.gz")).unwrap();
    for round in 0..20u32 {
        if round == 10 {
            fs::write(&output, "old").unwrap();
        }
        let mut build = start(&project, &output);
        std::thread::sleep(whole * round / 20);
        drop(build.kill());
        build.wait().unwrap();
        match fs::read(&output) {
            Ok(found) => assert!(found == expected || found == b"old", "half an archive of {} bytes", found.len()),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
        }
    }
    let built = Built::of(&project.dumbc(&["build", "--json", "-o", output.to_str().unwrap()]).ok(), output);
    assert!(built.bytes() == expected);
}

/// Files of the store of a kind: `blob`s are encodings of fragments, beside `…json` records and listings.
fn fragments(project: &Project) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(project.store().join("fragments")).sort_by_file_name();
    let files = entries.into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    let is_encoding = |path: &PathBuf| {
        path.extension().is_none_or(|extension| extension != "json") && path.file_name().unwrap() != "listing"
    };
    files.map(walkdir::DirEntry::into_path).filter(is_encoding).collect()
}

#[test]
fn damaged_fragments_are_made_anew() {
    let cache = Cache::sample();
    let project = Project::new();
    project.system(&cache, r#"["hello", "greet", "data"]"#, "");
    let first = project.build("1.tar.gz", &[]);
    for damage in ["flip", "cut", "empty", "no listing", "bad listing", "bad record", "no layers"] {
        for file in fragments(&project) {
            let folder = file.parent().unwrap();
            let record = || {
                fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.extension().is_some())
            };
            let mut bytes = fs::read(&file).unwrap();
            match damage {
                "flip" => {
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 1;
                    fs::write(&file, bytes).unwrap();
                }
                "cut" => fs::write(&file, &bytes[..bytes.len() - 1]).unwrap(),
                "empty" => fs::write(&file, "").unwrap(),
                "no listing" => fs::remove_file(folder.join("listing")).unwrap(),
                "bad listing" => fs::write(folder.join("listing"), "nonsense").unwrap(),
                "bad record" => fs::write(record().unwrap(), "{").unwrap(),
                _ => drop(fs::remove_dir_all(project.store().join("layers"))),
            }
        }
        let again = project.build("2.tar.gz", &[]);
        assert_eq!(again.digests(), first.digests(), "{damage}");
        assert!(again.bytes() == first.bytes(), "{damage}");
    }
}

#[test]
fn a_forged_fragment_is_noticed_where_the_store_is_not_trusted() {
    let cache = Cache::sample();
    let project = Project::new();
    project.system(&cache, r#"["data"]"#, "");
    let honest = project.build("1.tar.gz", &[]);

    // Somebody else's cache has another content under the same name; their fragment is put in the honest one's place.
    let liars = Cache::new();
    liars.add("data-0.1", &[("share/data", &noise(2, 3 << 20)), ("share/doc/data.txt", b"noise\n")]);
    let liar = Project::new();
    liar.system(&liars, r#"["data"]"#, "").build("1.tar.gz", &[]);
    let largest =
        |project: &Project| fragments(project).into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let (theirs, ours) = (largest(&liar), largest(&project));
    let (theirs, ours) = (theirs.parent().unwrap(), ours.parent().unwrap());
    assert_ne!(theirs.file_name(), ours.file_name());
    for entry in fs::read_dir(theirs).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), ours.join(entry.file_name())).unwrap();
    }
    let output = project.path("2.tar.gz");
    let build = ["build", "--json", "--locked", "-o", output.to_str().unwrap()];
    let outcome = project.dumbc(&build).env("DUMBC_STORE_UNTRUSTED", "1").ok();
    outcome.says(&["data-0.1", "anew"]);
    assert_eq!(Built::of(&outcome, output).digests(), honest.digests());
    // It is gone for good.
    assert_eq!(project.build("3.tar.gz", &["--locked"]).digests(), honest.digests());
}

#[test]
fn a_forged_runtime_is_noticed_where_the_store_is_not_trusted() {
    let cache = Cache::sample();
    let project = Project::new();
    project.system(&cache, r#"["data"]"#, "[boot]\n");
    let honest = project.build("1.tar.gz", &[]);
    let is_runtime = |path: &PathBuf| {
        let listing = fs::read(path.with_file_name("listing")).unwrap();
        let holds = |text: &[u8]| listing.windows(text.len()).any(|window| window == text);
        holds(b"bin/dumbc") && !holds(b"etc")
    };
    let runtime = fragments(&project).into_iter().find(is_runtime).unwrap();
    let other = fragments(&project).into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    for entry in fs::read_dir(other.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), runtime.with_file_name(entry.file_name())).unwrap();
    }
    let output = project.path("2.tar.gz");
    let build = ["build", "--json", "--locked", "-o", output.to_str().unwrap()];
    let outcome = project.dumbc(&build).env("DUMBC_STORE_UNTRUSTED", "1").ok();
    outcome.says(&["dumbc-runtime", "anew"]);
    assert_eq!(Built::of(&outcome, output).digests(), honest.digests());
}

#[test]
fn collection_waits_for_builds_and_builds_for_collection() {
    let (cache, packages) = closure(8);
    let project = Project::new();
    project.system(&cache, &packages, "");
    let first = project.build("it.tar.gz", &[]);
    for _ in 0..3 {
        let mut builds = ["a", "b"].map(|name| start(&project, &project.path(name)));
        let mut collection = project.dumbc(&["gc", "--max-size", "0B"]).spawn();
        for build in &mut builds {
            assert!(build.wait().unwrap().success());
        }
        assert!(collection.wait().unwrap().success());
        for name in ["a", "b"] {
            assert!(fs::read(project.path(name)).unwrap() == first.bytes());
        }
    }
}

#[test]
fn two_builds_of_one_project_do_not_disturb_each_other() {
    let (cache, packages) = closure(6);
    let project = Project::new();
    project.system(&cache, &packages, "");
    let start_time = Instant::now();
    let mut builds = [(); 4].map(|()| start(&project, &project.path("it.tar.gz")));
    for build in &mut builds {
        assert!(build.wait().unwrap().success(), "after {:?}", start_time.elapsed());
    }
    let left = fs::read(project.path("it.tar.gz")).unwrap();
    assert!(project.build("again.tar.gz", &["--locked"]).bytes() == left);
    assert!(start_time.elapsed() < Duration::from_secs(100));
}
