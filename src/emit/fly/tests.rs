use proptest::prelude::*;

use super::*;
use crate::emit::sample;

const DIGEST: &str = "sha256:0123";

fn emitted(existing: Option<&str>) -> Emitted {
    fly(&sample::of(sample::FULL), &FlyImage::Digest(DIGEST.to_owned()), existing).unwrap()
}

#[test]
fn a_new_file_has_all_that_the_files_say() {
    let made = emitted(None);
    insta::assert_snapshot!(made.text, @r#"
    # How Fly runs this machine. `dumbc emit fly` sets what the three files say, and leaves everything else.

    app = "lazycoder"
    kill_signal = "SIGTERM"
    kill_timeout = "70s"

    [build]
    image = "registry.fly.io/lazycoder@sha256:0123"

    [[mounts]]
    source = "lazycoder_data"
    destination = "/data"
    initial_size = "5gb"

    [http_service]
    internal_port = 8080
    force_https = true

    [[http_service.checks]]
    path = "/healthz"
    interval = "30s"
    grace_period = "10s"
    method = "GET"
    timeout = "5s"

    [[services]]
    protocol = "tcp"
    internal_port = 9090

    [[services.ports]]
    port = 9090

    [[services.tcp_checks]]
    timeout = "2s"
    interval = "15s"
    grace_period = "10s"

    [[services]]
    protocol = "tcp"
    internal_port = 22

    [[services.ports]]
    port = 22

    [[services.tcp_checks]]
    timeout = "2s"
    interval = "15s"
    grace_period = "10s"
    "#);
    assert_eq!(made.notes, ["give the machine its secrets: `fly secrets set DATABASE_URL=… TS_AUTHKEY=…`"]);
}

#[test]
fn a_second_run_changes_nothing() {
    let first = emitted(None).text;
    assert_eq!(emitted(Some(&first)).text, first);
}

#[test]
fn own_keys_and_comments_stay() {
    let own = r#"# our app
app = 'lazycoder' # the name
primary_region = "fra"
kill_timeout = 70

[build]
  image = "registry.fly.io/lazycoder@sha256:old"   # moved by CI

[deploy]
  release_command = "migrate"

[mounts]
  source = "disk"   # older than dumbc
  destination = "/data"

[http_service]
  internal_port = 3000
  auto_stop_machines = "stop"
  [[http_service.checks]]
    path = "/old"
    timeout = "9s"
    interval = 30000

[[services]] # ssh, from the office only
  internal_port = 22
  protocol = "tcp"
  [[services.ports]]
    port = 10022

[[vm]]
  memory = "1gb"
"#;
    let made = emitted(Some(own)).text;
    insta::assert_snapshot!(made, @r#"
    # our app
    app = 'lazycoder' # the name
    primary_region = "fra"
    kill_timeout = 70
    kill_signal = "SIGTERM"

    [build]
      image = "registry.fly.io/lazycoder@sha256:0123"   # moved by CI

    [deploy]
      release_command = "migrate"

    [mounts]
      source = "disk"   # older than dumbc
      destination = "/data"

    [http_service]
      internal_port = 8080
      auto_stop_machines = "stop"
      force_https = true
      [[http_service.checks]]
        path = "/healthz"
        timeout = "9s"
        interval = 30000
        grace_period = "10s"
        method = "GET"

    [[services]] # ssh, from the office only
      internal_port = 22
      protocol = "tcp"
      [[services.ports]]
        port = 10022

    [[services]]
    protocol = "tcp"
    internal_port = 9090

    [[services.ports]]
    port = 9090

    [[services.tcp_checks]]
    timeout = "2s"
    interval = "15s"
    grace_period = "10s"

    [[vm]]
      memory = "1gb"
    "#);
    assert_eq!(emitted(Some(&made)).text, made);
}

#[test]
fn lists_are_continued_as_they_are_written() {
    let own = "mounts = [{ source = \"a\", destination = \"/a\" }]\n# what is public\nservices = []\n";
    let made = emitted(Some(own)).text;
    assert!(
        made.contains(
            r#"mounts = [{ source = "a", destination = "/a" }, { source = "lazycoder_data", destination = "/data""#
        ),
        "{made}"
    );
    assert!(made.contains("# what is public\n[[services]]\nprotocol = \"tcp\"\ninternal_port = 9090\n"), "{made}");
    assert_eq!(emitted(Some(&made)).text, made);

    let made = emitted(Some("[mounts]\nsource = \"a\" # ours\ndestination = \"/a\"\n")).text;
    assert!(made.contains("[[mounts]]\nsource = \"a\" # ours\n") && made.matches("[[mounts]]").count() == 2, "{made}");
    assert_eq!(emitted(Some(&made)).text, made);
}

#[test]
fn a_file_of_another_shape_is_refused() {
    for (own, key) in [
        ("build = 7\n", "build"),
        ("mounts = \"disk\"\n", "mounts"),
        ("services = [1]\n", "services"),
        ("[app]\nname = \"x\"\n", "app"),
        ("[http_service]\nchecks = true\n", "checks"),
    ] {
        let refused = fly(&sample::of(sample::FULL), &FlyImage::Tag, Some(own));
        assert!(matches!(refused, Err(FlyError::Shape { key: found, .. }) if found == key), "{own}: {refused:?}");
    }
    let refused = fly(&sample::of(sample::FULL), &FlyImage::Tag, Some("app = \n"));
    assert!(matches!(refused, Err(FlyError::Syntax { span: Some(_), .. })), "{refused:?}");
}

#[test]
fn an_image_without_a_digest_is_named_by_tag_until_there_is_one() {
    let outside = sample::of(sample::FULL);
    let tagged = fly(&outside, &FlyImage::Tag, None).unwrap();
    assert!(tagged.text.contains("image = \"registry.fly.io/lazycoder:latest\" # by tag;"), "{}", tagged.text);
    assert!(tagged.notes[0].contains("dumbc build"), "{:?}", tagged.notes);
    let pinned = emitted(Some(&tagged.text)).text;
    assert!(pinned.contains("image = \"registry.fly.io/lazycoder@sha256:0123\"\n"), "{pinned}");
    assert_eq!(pinned, emitted(None).text);
}

#[test]
fn what_fly_can_not_do_is_said() {
    let system = sample::FULL.replace("SIGTERM", "SIGWINCH").replace("40s", "10m");
    let made = fly(&sample::of(&system), &FlyImage::Tag, None).unwrap();
    assert!(made.text.contains("kill_signal = \"SIGTERM\"\nkill_timeout = \"300s\""), "{}", made.text);
    assert!(made.notes[0].contains("waits 300s at most"), "{:?}", made.notes);
    let made = fly(&sample::of(&system.replace("enable = true", "enable = false")), &FlyImage::Tag, None).unwrap();
    assert!(!made.text.contains("kill_signal") && made.notes[0].contains("SIGWINCH"), "{made:?}");
}

proptest! {
    #[test]
    fn whatever_stands_there_is_continued_or_refused(existing in "[a-z\\[\\]=\"'{} .,#\n0-9_]{0,200}") {
        if let Ok(made) = fly(&sample::of("[image]\nname = \"m\"\n"), &FlyImage::Tag, Some(&existing)) {
            made.text.parse::<DocumentMut>().unwrap();
        }
    }

    #[test]
    fn keys_of_others_stay(key in "[a-z]{3,8}", value in "[a-z ]{0,10}", comment in "[a-z ]{0,10}") {
        prop_assume!(!["app", "build", "mounts", "services"].contains(&key.as_str()));
        let own = format!("{key} = \"{value}\" # {comment}\n\n[{key}s]\n{key} = '{value}' # {comment}\n");
        prop_assume!(own.parse::<DocumentMut>().is_ok());
        let made = emitted(Some(&own)).text;
        for line in own.lines() {
            prop_assert!(made.lines().any(|kept| kept == line), "{line} is not in {made}");
        }
        prop_assert_eq!(&emitted(Some(&made)).text, &made);
    }
}
