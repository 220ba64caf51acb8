use std::process::Command;

use super::super::testing::{HOME, Package, evaluated, evaluated_with, link, run, text};
use super::*;

const FILE: &str = ".config/git/config";

#[test]
fn settings_with_all_that_adds_to_them() {
    let (contribution, findings) = evaluated(
        &GIT,
        r#"
        ignores = ["*~", "*.swp"]
        attributes = ["*.pdf diff=pdf"]
        lfs.enable = true
        [settings]
        alias = { a1 = "foo", escapes = "\"\\n\t" }
        extra = { name = "value", multiple = [1, 2], boolean = true, integer = 38, subsection.value = "test" }
        'extra "backcompat.with.dots"'.previously = "worked"
        user = { name = "John Doe", email = "user@example.org" }
        [signing]
        format = "openpgp"
        signer = "path-to-gpg"
        key = "00112233445566778899AABBCCDDEEFF"
        signByDefault = true
        [[includes]]
        path = "~/path/to/config.inc"
        [[includes]]
        path = "~/path/to/conditional.inc"
        condition = "gitdir:~/src/dir"
        [[includes]]
        condition = "gitdir:~/src/dir"
        contents.user = { name = "John Doe", email = "user@example.org" }
        "#,
    );
    assert!(findings.is_empty(), "{findings:?}");
    insta::assert_snapshot!(text(&contribution, FILE), @r#"
    [alias]
    	a1 = "foo"
    	escapes = "\"\\n\t"

    [commit]
    	gpgSign = true

    [extra]
    	boolean = true
    	integer = 38
    	multiple = 1
    	multiple = 2
    	name = "value"

    [extra "backcompat.with.dots"]
    	previously = "worked"

    [extra "subsection"]
    	value = "test"

    [filter "lfs"]
    	clean = "git-lfs clean -- %f"
    	process = "git-lfs filter-process"
    	required = true
    	smudge = "git-lfs smudge -- %f"

    [gpg]
    	format = "openpgp"

    [gpg "openpgp"]
    	program = "path-to-gpg"

    [tag]
    	gpgSign = true

    [user]
    	email = "user@example.org"
    	name = "John Doe"
    	signingKey = "00112233445566778899AABBCCDDEEFF"

    [include]
    	path = "~/path/to/config.inc"

    [includeIf "gitdir:~/src/dir"]
    	path = "~/path/to/conditional.inc"

    [includeIf "gitdir:~/src/dir"]
    	path = "/home/alice/.config/git/include-2-gitconfig"
    "#);
    let included = text(&contribution, ".config/git/include-2-gitconfig");
    assert_eq!(included, "[user]\n\temail = \"user@example.org\"\n\tname = \"John Doe\"\n");
    assert_eq!(text(&contribution, ".config/git/ignore"), "*~\n*.swp\n");
    assert_eq!(text(&contribution, ".config/git/attributes"), "*.pdf diff=pdf\n");
    assert_eq!(contribution.packages, ["git-lfs"]);
}

#[test]
fn older_names_still_count() {
    let (contribution, findings) = evaluated(
        &GIT,
        "userName = 'John Doe'\nuserEmail = 'john@example.com'\naliases = { co = 'checkout', st = 'status' }\n\
         extraConfig.core.pager = 'less'\nsettings.user.email = 'j@example.org'\nsigning.gpgPath = '/bin/gpg'",
    );
    assert_eq!(
        text(&contribution, FILE),
        "[alias]\n\tco = \"checkout\"\n\tst = \"status\"\n\n[core]\n\tpager = \"less\"\n\n\
         [gpg]\n\tformat = \"openpgp\"\n\n[gpg \"openpgp\"]\n\tprogram = \"/bin/gpg\"\n\n\
         [user]\n\temail = \"j@example.org\"\n\tname = \"John Doe\"\n"
    );
    assert!(findings.iter().all(|finding| finding.warning));
    let helps: Vec<_> = findings.iter().filter_map(|finding| finding.help.as_deref()).collect();
    assert_eq!(
        helps,
        [
            "write `programs.git.settings.user.name`",
            "write `programs.git.settings.user.email`",
            "write `programs.git.settings.alias`",
            "write `programs.git.settings`",
            "write `programs.git.signing.signer`",
            "write `signing.format`: `openpgp`, `ssh` or `x509`",
        ]
    );
}

#[test]
fn what_went_has_a_remedy() {
    for (table, path) in [
        ("delta.enable = true", &["delta"][..]),
        ("difftastic.enable = true", &["difftastic"]),
        ("maintenance.enable = true", &["maintenance"]),
        ("patdiff.enable = true", &["patdiff"]),
        ("riff.enable = true", &["riff"]),
        ("extraConfig = 'This can be anything.'", &["extraConfig"]),
        ("setings.a.b = 1", &["setings"]),
        ("settings.a = 1", &["settings", "a"]),
        ("includes = [{ condition = 'gitdir:x' }]", &["includes", "0"]),
        ("hooks.pre-commit = './hook'", &["hooks", "pre-commit"]),
        ("hooks.'a/b' = '/x'", &["hooks", "a/b"]),
    ] {
        let (contribution, findings) = evaluated(&GIT, table);
        assert_eq!(contribution, Contribution::default(), "{table}");
        assert_eq!(findings[0].path, path, "{table}");
        assert!(findings[0].help.is_some() && !findings[0].warning, "{table}");
    }
}

#[test]
fn signing_formats_have_their_programs() {
    let openssh = [Package::plain("openssh", "openssh-10.0p2")];
    let table = "signing = { format = 'ssh', key = 'ssh-ed25519 AAAA', signByDefault = true }";
    let (contribution, _) = evaluated_with(&GIT, table, &openssh, &Contribution::default());
    let expected = format!(
        "[commit]\n\tgpgSign = true\n\n[gpg]\n\tformat = \"ssh\"\n\n[gpg \"ssh\"]\n\tprogram = \"{}/bin/ssh-keygen\"\n\n\
         [tag]\n\tgpgSign = true\n\n[user]\n\tsigningKey = \"ssh-ed25519 AAAA\"\n",
        openssh[0].path()
    );
    assert_eq!(text(&contribution, FILE), expected);
    let (contribution, _) = evaluated(&GIT, "signing = { format = 'x509' }");
    assert_eq!(text(&contribution, FILE), "[gpg]\n\tformat = \"x509\"\n\n[gpg \"x509\"]\n\tprogram = \"gpgsm\"\n");
    let (contribution, _) = evaluated(&GIT, "signing.signByDefault = true");
    assert_eq!(text(&contribution, FILE), "[commit]\n\tgpgSign = true\n\n[tag]\n\tgpgSign = true\n");
}

#[test]
fn large_files_have_their_filter() {
    let packages = [Package::plain("git-lfs", "git-lfs-3.6.1")];
    let table = "lfs = { enable = true, skipSmudge = true }";
    let (contribution, _) = evaluated_with(&GIT, table, &packages, &Contribution::default());
    let lfs = packages[0].path();
    let expected = format!(
        "[filter \"lfs\"]\n\tclean = \"{lfs}/bin/git-lfs clean -- %f\"\n\tprocess = \"{lfs}/bin/git-lfs filter-process --skip\"\n\
         \trequired = true\n\tsmudge = \"{lfs}/bin/git-lfs smudge --skip -- %f\"\n"
    );
    assert_eq!(text(&contribution, FILE), expected);
    assert_eq!((GIT.requests)(&table.parse().unwrap()), ["git-lfs"]);
    assert!((GIT.requests)(&"lfs = { enable = true, package = false }".parse().unwrap()).is_empty());
}

#[test]
fn hooks_are_files_that_git_is_told_of() {
    let (contribution, findings) =
        evaluated(&GIT, "hooks = { pre-commit = \"#!/bin/sh\\nexit 0\\n\", pre-push = '/nix/store/x/bin/hook' }");
    assert!(findings.is_empty());
    assert_eq!(text(&contribution, FILE), format!("[core]\n\thooksPath = \"{HOME}/.config/git/hooks\"\n"));
    assert_eq!(link(&contribution, ".config/git/hooks/pre-push"), "/nix/store/x/bin/hook");
    assert_eq!(
        contribution.files[".config/git/hooks/pre-commit"],
        (Content::Text("#!/bin/sh\nexit 0\n".to_owned()), true)
    );
}

#[test]
fn others_settings_stand_behind_own_ones() {
    let keys = |host: &str| ["credential", host, "helper"].map(str::to_owned).to_vec();
    let git = [(keys("https://github.com"), "gh".to_owned()), (keys("https://x.example"), "gh".to_owned())].into();
    let others = Contribution { git, ..Contribution::default() };
    let table = "settings.credential.'https://x.example'.helper = 'own'";
    let (contribution, _) = evaluated_with(&GIT, table, &[], &others);
    let expected = "[credential \"https://github.com\"]\n\thelper = \"gh\"\n\n\
                    [credential \"https://x.example\"]\n\thelper = \"own\"\n";
    assert_eq!(text(&contribution, FILE), expected);
}

#[test]
fn git_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let (contribution, _) = evaluated(
        &GIT,
        r#"
        settings.alias.x = "!f() { echo \"a\\tb\" # c; }; f"
        settings.url."ssh://git@example.org/a.b/".insteadOf = ["ex:", "y:"]
        settings.core.abbrev = 12
        includes = [{ condition = "gitdir:~/src/a.b/", path = "~/x" }]
        "#,
    );
    std::fs::write(&file, text(&contribution, FILE)).unwrap();
    let mut command = Command::new("git");
    command.args(["config", "--list", "--no-includes", "-f"]).arg(&file);
    let Some(output) = run(&mut command) else { return };
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "alias.x=!f() { echo \"a\\tb\" # c; }; f\ncore.abbrev=12\nurl.ssh://git@example.org/a.b/.insteadof=ex:\n\
         url.ssh://git@example.org/a.b/.insteadof=y:\nincludeif.gitdir:~/src/a.b/.path=~/x\n"
    );
}
