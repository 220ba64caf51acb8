use std::sync::atomic::{AtomicU64, Ordering};

use super::double::Act;
use super::*;
use crate::registry::Uploaded;

#[test]
fn a_blob_goes_over_once() {
    let setting = Setting::new();
    let blob = Blob::of_size(300_000);
    let heard = AtomicU64::new(0);
    let count = |bytes| {
        heard.fetch_add(bytes, Ordering::SeqCst);
    };
    assert_eq!(setting.repository().upload(&blob, &[], &count).unwrap(), Uploaded::Sent(300_000));
    assert_eq!(heard.load(Ordering::SeqCst), 300_000);
    assert_eq!(setting.double.blob("team/app", &blob.digest), Some(blob.bytes.clone()));
    assert_eq!(setting.repository().upload(&blob, &[], &unheard).unwrap(), Uploaded::Skipped);
    let digest = blob.digest.oci();
    let escaped = digest.replace(':', "%3A");
    assert_eq!(
        setting.double.log(),
        [
            format!("HEAD /v2/team/app/blobs/{digest}"),
            "POST /v2/team/app/blobs/uploads/".to_owned(),
            format!("PUT /v2/team/app/blobs/uploads/u1?_state=0&digest={escaped}"),
            format!("HEAD /v2/team/app/blobs/{digest}"),
        ]
    );
    assert_eq!(setting.double.connections(), 1, "connections are kept");
    assert_eq!(setting.clock.waits(), Vec::<u128>::new(), "nobody waits");
}

#[test]
fn nothing_is_a_blob_too() {
    let setting = Setting::new();
    assert_eq!(setting.repository().upload(&Blob::of_size(0), &[], &unheard).unwrap(), Uploaded::Sent(0));
}

#[test]
fn another_repository_has_it() {
    let setting = Setting::new();
    let blob = Blob::of_size(10);
    setting.double.put_blob("team/base", &blob.bytes);
    let from = ["team/app".to_owned(), "team/other".to_owned(), "team/base".to_owned()];
    let uploaded = setting.repository().upload(&blob, &from, &unheard).unwrap();
    assert_eq!(uploaded, Uploaded::Mounted("team/base".to_owned()));
    // What the first one began is given up.
    assert_eq!(setting.double.seen("DELETE", "/uploads/u1").len(), 1);
}

#[test]
fn a_mount_that_is_none_goes_on_as_an_upload() {
    let setting = Setting::new();
    setting.double.state().mounts = false;
    let blob = Blob::of_size(10);
    let uploaded = setting.repository().upload(&blob, &["team/base".to_owned()], &unheard).unwrap();
    assert_eq!(uploaded, Uploaded::Sent(10));
    assert_eq!(setting.double.seen("POST", "").len(), 1);
    setting.double.fault("POST", "mount=", 1, Act::Answer(403, vec![], String::new()));
    let other = Blob::of_size(11);
    assert_eq!(setting.repository().upload(&other, &["team/base".to_owned()], &unheard).unwrap(), Uploaded::Sent(11));
}

#[test]
fn large_blobs_go_in_parts_as_large_as_the_registry_wants() {
    let mut setting = Setting::new();
    setting.registry.part = 10;
    setting.double.state().minimum = Some(1000);
    let blob = Blob::of_size(2500);
    assert_eq!(setting.repository().upload(&blob, &[], &unheard).unwrap(), Uploaded::Sent(2500));
    let ranges: Vec<_> =
        setting.double.seen("PATCH", "").iter().map(|seen| seen.header("content-range").unwrap().to_owned()).collect();
    assert_eq!(ranges, ["0-999", "1000-1999", "2000-2499"]);
    assert_eq!(setting.double.seen("PUT", "")[0].header("content-length"), Some("0"));
}

#[test]
fn a_registry_that_knows_no_parts_gets_the_whole() {
    let mut setting = Setting::new();
    setting.registry.part = 1000;
    for status in [405, 416] {
        setting.double.fault("PATCH", "", 1, Act::Answer(status, vec![], String::new()));
        let blob = Blob::of_size(2000 + usize::from(status));
        assert_eq!(
            setting.repository().upload(&blob, &[], &unheard).unwrap(),
            Uploaded::Sent(2 * blob.size() - blob.size() + 1000)
        );
        assert_eq!(setting.double.blob("team/app", &blob.digest), Some(blob.bytes));
    }
}

#[test]
fn what_does_not_fit_its_digest_is_never_whole() {
    for (size, part) in [(5000, 1 << 20), (5000, 1000), (0, 1000)] {
        let mut setting = Setting::new();
        setting.registry.part = part;
        let blob = Blob { digest: Sha256::of(b"something else"), ..Blob::of_size(size) };
        let error = setting.repository().upload(&blob, &[], &unheard).unwrap_err();
        assert!(matches!(error, Error::SourceChanged { .. }), "{error}");
        assert!(setting.double.state().blobs.is_empty());
        assert_eq!(setting.double.seen("DELETE", "").len(), 1, "the upload is given up");
        let ends = setting.double.seen("PUT", "");
        assert!(ends.iter().all(|end| end.body.len() < size), "the end is not sent");
    }
}

/// Ends before it should, or can't be read at all.
struct Short(Blob, bool);

impl BlobSource for Short {
    fn digest(&self) -> Sha256 {
        self.0.digest
    }

    fn size(&self) -> u64 {
        self.0.size() + 1
    }

    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send + '_>> {
        if self.1 { self.0.open(offset) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }
}

#[test]
fn a_source_that_fails_is_told() {
    let setting = Setting::new();
    let error = setting.repository().upload(&Short(Blob::of_size(100), true), &[], &unheard).unwrap_err();
    assert!(error.to_string().ends_with("ends after 100 of 101 bytes"), "{error}");
    let error = setting.repository().upload(&Short(Blob::of_size(100), false), &[], &unheard).unwrap_err();
    assert!(matches!(error, Error::Source { .. }), "{error}");
}

#[test]
fn several_threads_share_a_repository() {
    let setting = Setting::new();
    let repository = setting.repository();
    std::thread::scope(|scope| {
        for size in 1..9 {
            let repository = &repository;
            scope.spawn(move || repository.upload(&Blob::of_size(size * 1000), &[], &unheard).unwrap());
        }
    });
    assert_eq!(setting.double.state().blobs.len(), 8);
    assert!(setting.double.connections() <= 9, "{}", setting.double.connections());
}
