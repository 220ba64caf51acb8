use std::process::Command;

use super::super::testing::{evaluated, run, text};
use super::*;

const FILE: &str = ".ssh/config";

const DEFAULTS: &str = "Host *\n  ForwardAgent no\n  ServerAliveInterval 0\n  ServerAliveCountMax 3\n  Compression no\n  \
                        AddKeysToAgent no\n  HashKnownHosts no\n  UserKnownHostsFile ~/.ssh/known_hosts\n  \
                        ControlMaster no\n  ControlPath ~/.ssh/master-%r@%n:%p\n  ControlPersist no\n";

const BLOCKS: &str = "
enableDefaultConfig = false
[matchBlocks.abc]
identityFile = []
proxyJump = 'jump-host'
[matchBlocks.ordered]
after = ['xyz']
port = 1
[matchBlocks.xyz]
identityFile = 'file'
serverAliveInterval = 60
serverAliveCountMax = 10
localForwards = [{ bind.port = 8080, host = { address = '10.0.0.1', port = 80 } }]
dynamicForwards = [{ port = 2839 }]
setEnv = { FOO = 'foo12', BAR = '_bar_ 42' }
extraOptions = { StrictHostKeyChecking = 'accept-new' }
[[matchBlocks.xyz.remoteForwards]]
bind.port = 8081
host = { address = '10.0.0.2', port = 80 }
[[matchBlocks.xyz.remoteForwards]]
bind.address = '/run/user/1000/gnupg/S.gpg-agent.extra'
host.address = '/run/user/1000/gnupg/S.gpg-agent'
[matchBlocks.'* !github.com']
identityFile = ['file1', 'file2']
port = 516
";

#[test]
fn blocks_come_by_name_and_after_what_they_name() {
    let (contribution, findings) = evaluated(&SSH, BLOCKS);
    assert!(findings.is_empty(), "{findings:?}");
    insta::assert_snapshot!(text(&contribution, FILE), @r#"
    Host * !github.com
      Port 516
      IdentityFile file1
      IdentityFile file2

    Host abc
      ProxyJump jump-host

    Host xyz
      SetEnv BAR="_bar_ 42" FOO="foo12"
      ServerAliveInterval 60
      ServerAliveCountMax 10
      IdentityFile file
      LocalForward [localhost]:8080 [10.0.0.1]:80
      RemoteForward [localhost]:8081 [10.0.0.2]:80
      RemoteForward /run/user/1000/gnupg/S.gpg-agent.extra /run/user/1000/gnupg/S.gpg-agent
      DynamicForward [localhost]:2839
      StrictHostKeyChecking accept-new

    Host ordered
      Port 1
    "#);
}

#[test]
fn defaults_are_home_managers_and_come_last() {
    let (contribution, findings) = evaluated(&SSH, "enableDefaultConfig = true\nmatchBlocks.zzz.user = 'me'");
    assert!(findings.is_empty());
    assert_eq!(text(&contribution, FILE), format!("Host zzz\n  User me\n\n{DEFAULTS}"));
    let (contribution, findings) = evaluated(&SSH, "enable = true");
    assert_eq!(text(&contribution, FILE), DEFAULTS);
    assert!(findings[0].warning && findings.len() == 1);
}

#[test]
fn extra_text_stands_in_the_block_of_all_hosts() {
    let (contribution, _) = evaluated(&SSH, "extraConfig = \"MyExtraOption no\\nAnotherOption 3\\n\"");
    assert_eq!(text(&contribution, FILE), format!("{DEFAULTS}  MyExtraOption no\n  AnotherOption 3\n"));
    let (_, findings) = evaluated(&SSH, "enableDefaultConfig = false\nextraConfig = 'X y'");
    assert_eq!(findings[0].path, ["extraConfig"]);
}

#[test]
fn older_names_go_to_the_block_of_all_hosts() {
    let (contribution, findings) = evaluated(
        &SSH,
        "enableDefaultConfig = false\nforwardAgent = true\naddKeysToAgent = 'yes'\ncontrolPersist = '10m'\n\
         matchBlocks.'*'.controlPersist = '20m'",
    );
    assert_eq!(text(&contribution, FILE), "Host *\n  ForwardAgent yes\n  AddKeysToAgent yes\n  ControlPersist 20m\n");
    let helps: Vec<_> = findings.iter().filter_map(|finding| finding.help.as_deref()).collect();
    let expected = ["forwardAgent", "addKeysToAgent", "controlPersist"]
        .map(|option| format!("write `programs.ssh.matchBlocks.\"*\".{option}`"));
    assert_eq!(helps, expected);
}

#[test]
fn a_list_of_blocks_keeps_its_order() {
    let (contribution, findings) = evaluated(
        &SSH,
        "enableDefaultConfig = false\nincludes = ['config.d/*', 'other/dir']\nextraOptionOverrides.ForwardAgent = 'no'\n\
         matchBlocks = [{ host = '*', compression = true }, { match = 'host xyz canonical', port = 2223 }, \
         { host = 'abc', port = 2222 }, { header = 'Match final', checkHostIP = false }]",
    );
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(
        text(&contribution, FILE),
        "ForwardAgent no\nInclude config.d/* other/dir\n\nMatch host xyz canonical\n  Port 2223\n\n\
         Host abc\n  Port 2222\n\nMatch final\n  CheckHostIP no\n\nHost *\n  Compression yes\n"
    );
}

/// Options by ssh's own names may be truth and numbers, as in Home Manager.
#[test]
fn truth_is_yes_and_no() {
    let (contribution, findings) = evaluated(
        &SSH,
        "enableDefaultConfig = false\nextraOptionOverrides = { ForwardAgent = false, ConnectTimeout = 3 }\n\
         matchBlocks.a.extraOptions = { VisualHostKey = true, SendEnv = ['A', 'B'], ConnectionAttempts = 2 }",
    );
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(
        text(&contribution, FILE),
        "ConnectTimeout 3\nForwardAgent no\nHost a\n  ConnectionAttempts 2\n  SendEnv A\n  SendEnv B\n  VisualHostKey yes\n"
    );
}

/// A socket's path stands without a port.
#[test]
fn forwarded_ends_are_addresses_or_paths() {
    let (contribution, findings) = evaluated(
        &SSH,
        "enableDefaultConfig = false\n\
         matchBlocks.path.dynamicForwards = [{ address = '/run/user/1000/gnupg/S.gpg-agent.extra' }]\n\
         matchBlocks.address.dynamicForwards = [{ address = '127.0.0.1', port = 3000 }]",
    );
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(
        text(&contribution, FILE),
        "Host address\n  DynamicForward [127.0.0.1]:3000\n\nHost path\n  DynamicForward /run/user/1000/gnupg/S.gpg-agent.extra\n"
    );
}

#[test]
fn what_can_not_be_is_refused() {
    for (table, path) in [
        ("matchBlocks.a.dynamicForwards = [{ address = '/x', port = 1 }]", &["matchBlocks", "a"][..]),
        ("matchBlocks.a.localForwards = [{ bind.port = 1, host.address = 'b' }]", &["matchBlocks", "a"]),
        ("matchBlocks.a.usr = 'x'", &["matchBlocks", "a", "usr"]),
        ("matchBlocks.a.user = \"x\\nProxyCommand y\"", &["matchBlocks", "a"]),
        ("matchBlocks.a = 3", &["matchBlocks", "a"]),
        ("matchBlocks = [{ port = 3 }]", &["matchBlocks", "0"]),
        ("matchBlocks.a.after = ['b']\nmatchBlocks.b.after = ['a']", &["matchBlocks"]),
        ("matchBlocks.a.header = 'Port 3'", &["matchBlocks", "a"]),
        ("extraOptionOverrides.A = \"b\\nc\"", &["extraOptionOverrides"]),
    ] {
        let (contribution, findings) = evaluated(&SSH, table);
        assert_eq!(contribution, Contribution::default(), "{table}");
        assert_eq!(findings[0].path, path, "{table}");
        assert!(!findings[0].warning);
    }
}

#[test]
fn ssh_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let table = format!("{BLOCKS}[matchBlocks.'*']\nuser = 'everyone'\nserverAliveInterval = 5\n");
    let (contribution, _) = evaluated(&SSH, &table);
    std::fs::write(&file, text(&contribution, FILE)).unwrap();
    let Some(output) = run(Command::new("ssh").args(["-T", "-G", "-F"]).arg(&file).arg("xyz")) else { return };
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let text = String::from_utf8(output.stdout).unwrap();
    for line in [
        "port 516",
        "user everyone",
        "serveraliveinterval 60",
        "stricthostkeychecking accept-new",
        "localforward [localhost]:8080 [10.0.0.1]:80",
        "dynamicforward [localhost]:2839",
        "setenv BAR=_bar_ 42",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} in\n{text}");
    }
}
