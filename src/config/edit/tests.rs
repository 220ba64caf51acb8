use super::*;

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn added(text: &str, requests: &[&str]) -> Edited {
    add(text, PackageList::TOP, &names(requests)).unwrap()
}

fn removed(text: &str, requests: &[&str]) -> Edited {
    remove(text, PackageList::TOP, &names(requests)).unwrap()
}

#[test]
fn comments_and_order_stay() {
    let text = "# mine\npackages = [\n  # search\n  \"ripgrep\", # fast\n  \"fd\",\n]\n\n[programs.git] # git\nenable = true\n";
    let changed = added(text, &["jq", "fd", "unstable#bat"]);
    assert_eq!(changed.added, ["jq", "unstable#bat"]);
    insta::assert_snapshot!(changed.text, @r#"
    # mine
    packages = [
      # search
      "ripgrep", # fast
      "fd",
      "jq",
      "unstable#bat",
    ]

    [programs.git] # git
    enable = true
    "#);
    let back = removed(&changed.text, &["bat", "jq", "absent"]);
    assert_eq!(back.removed, ["jq", "unstable#bat"]);
    assert_eq!(back.missing, [("absent".to_owned(), None)]);
    assert_eq!(back.text, text);
}

#[test]
fn a_comment_stays_with_what_it_follows() {
    let text = "packages = [\n  \"fd\", # finds\n  # below\n]\n";
    assert_eq!(added(text, &["jq"]).text, "packages = [\n  \"fd\", # finds\n  # below\n  \"jq\",\n]\n");
    let without_comma = "packages = [\n  \"fd\" # finds\n]\n";
    let changed = added(without_comma, &["jq", "bat"]).text;
    assert_eq!(changed, "packages = [\n  \"fd\", # finds\n  \"jq\",\n  \"bat\",\n]\n");
    let several = "packages = [\n    \"a\", \"b\", # both\n]\n";
    assert_eq!(added(several, &["c"]).text, "packages = [\n    \"a\", \"b\", # both\n    \"c\",\n]\n");
    let text = "packages = [\n  \"fd\", # finds\n  \"jq\", # json\n  \"bat\", # cat\n]\n";
    let changed = removed(text, &["jq"]).text;
    assert_eq!(changed, "packages = [\n  \"fd\", # finds\n  \"bat\", # cat\n]\n");
    assert_eq!(removed(&changed, &["bat"]).text, "packages = [\n  \"fd\", # finds\n]\n");
    let lines = "packages = [\n  # Tools.\n  \"a\", \"b\",\n  \"c\",\n]\n";
    let changed = removed(lines, &["a"]).text;
    assert_eq!(changed, "packages = [\n  # Tools.\n  \"b\",\n  \"c\",\n]\n");
    assert_eq!(removed("packages = [\"a\", \"b\"]\n", &["a"]).text, "packages = [\"b\"]\n");
}

#[test]
fn a_package_that_is_there_is_replaced_where_it_stands() {
    let text = "packages = [\n  \"a\",\n  \"python3@3.11\", # old\n  \"ours#git\",\n]\n";
    let changed = added(text, &["python3@3.12", "git"]);
    assert_eq!(changed.replaced, [("python3@3.11".to_owned(), "python3@3.12".to_owned())]);
    assert_eq!(changed.added, ["git"], "that of another channel is another one");
    assert!(changed.text.contains("  \"python3@3.12\", # old\n"), "{}", changed.text);
    let list = PackageList { default_channel: Some("ours"), ..PackageList::TOP };
    let same = add(text, list, &names(&["git", "a"])).unwrap();
    assert!(!same.is_change() && same.text == text, "ours is the default channel here");
}

#[test]
fn a_first_package_stands_above_all_tables_and_below_what_the_file_says_of_itself() {
    let stub = "# Mine.\n#\n# packages = [\"ripgrep\"]\n";
    assert_eq!(added(stub, &["jq"]).text, format!("{stub}packages = [\"jq\"]\n"));
    let text = "# The file.\n\n# The table.\n[programs.git]\nenable = true\n";
    let changed = added(text, &["jq"]).text;
    assert_eq!(changed, "# The file.\npackages = [\"jq\"]\n\n# The table.\n[programs.git]\nenable = true\n");
    let changed = added("channel = \"x\"\n[programs.git]\nenable = true\n", &["jq"]).text;
    assert_eq!(changed, "channel = \"x\"\npackages = [\"jq\"]\n[programs.git]\nenable = true\n");
    assert_eq!(added("", &["jq"]).text, "packages = [\"jq\"]\n");
}

#[test]
fn a_users_list_is_made_where_the_users_tables_are() {
    let list = PackageList { tables: &["alice", "home"], default_channel: None };
    let of_alice = |text: &str| add(text, list, &names(&["jq"])).unwrap().text;
    let alone = "[alice]\nuid = 1000\n\n[bob]\nuid = 1001\n";
    for text in [
        alone,
        "[alice]\nuid = 1000\n[alice.home.programs.git]\nenable = true\n[bob]\nuid = 1001\n",
        "alice = { uid = 1000 }\nbob = { uid = 1001 }\n",
        "[alice]\nuid = 1000\nhome.packages = [\"fd\"]\n[bob]\nuid = 1001\n",
        "[alice]\nuid = 1000\nhome = { packages = [\"fd\"] }\n[bob]\nuid = 1001\n",
    ] {
        let changed = of_alice(text);
        let table: toml::Table = changed.parse().unwrap();
        let packages = table["alice"]["home"]["packages"].as_array().unwrap();
        assert_eq!(packages.last().and_then(toml::Value::as_str), Some("jq"), "{changed}");
        assert_eq!(table["bob"]["uid"].as_integer(), Some(1001), "{changed}");
        assert_eq!(remove(&changed, list, &names(&["jq"])).unwrap().removed, ["jq"]);
    }
    insta::assert_snapshot!(of_alice(alone), @r#"
    [alice]
    uid = 1000

    [alice.home]
    packages = ["jq"]

    [bob]
    uid = 1001
    "#);
}

#[test]
fn names_mean_what_they_say() {
    let text = "packages = [\"unstable#python3@3.12^out\", \"git\", \"ours#git\", \"./dist\"]\n";
    for (name, gone) in [
        ("python3", &["unstable#python3@3.12^out"][..]),
        ("unstable#python3", &["unstable#python3@3.12^out"]),
        ("ours#git", &["ours#git"]),
        ("git", &["git", "ours#git"]),
        ("./dist", &["./dist"]),
        ("ours#python3", &[]),
        ("python3@3.11", &[]),
    ] {
        assert_eq!(removed(text, &[name]).removed, gone, "{name}");
    }
    assert_eq!(removed(text, &["pyhton3"]).missing, [("pyhton3".to_owned(), Some("python3".to_owned()))]);
}

#[test]
fn what_is_no_list_or_no_request_is_refused() {
    let refused = |text: &str, request: &str| add(text, PackageList::TOP, &names(&[request])).is_err();
    assert!(refused("packages = 3\n", "jq") && refused("packages = [", "jq") && refused("", "a b"));
    assert!(remove("packages = {}\n", PackageList::TOP, &names(&["jq"])).is_err());
    let list = PackageList { tables: &["alice", "home"], default_channel: None };
    let error = add("alice = 3\n", list, &names(&["jq"])).unwrap_err();
    assert_eq!(error.to_string(), "`alice` is no table");
}
