//! The files' shape: keys, types, ranges, syntax.

use super::findings;

#[test]
fn unknown_keys_get_the_nearest_one() {
    let found = findings(
        r#"
pakages = []
[image]
name = "box"
label = {}
[image.zzz]
[boot]
userRebuild = true
[entrypiont]
command = ["x"]
"#,
        r"
[alice]
uid = 1000
authorizedKeys = []
",
        r"
[home]
packages = []
[file.x]
txt = ''
",
    );
    insta::assert_snapshot!(found, @r"
        system.toml:1:1 unknown key `pakages`
            did you mean `packages`?
        system.toml:4:1 unknown key `label` in `image`
            did you mean `labels`?
        system.toml:5:8 unknown key `zzz` in `image`
            keys are `env`, `from`, `labels`, `layers`, `name`, `registry`, `sbom`, `systems`, `tag`
        system.toml:7:1 unknown key `userRebuild` in `boot`
            did you mean `user-rebuild`?
        system.toml:8:2 unknown key `entrypiont`
            did you mean `entrypoint`?
        users.toml:3:1 unknown key `authorizedKeys` in `alice`
            did you mean `authorized-keys`?
        home.toml:1:2 unknown key `home`
            the keys of home.toml stand at its top, without `home.` before them
        home.toml:3:7 nothing says what `x` holds
            add `text`, `source`, `json`, `toml`, `yaml`, `ini` or `gitconfig`
        home.toml:4:1 unknown key `txt` in `file.x`
            did you mean `text`?
    ");
}

#[test]
fn wrong_types_say_what_is_expected() {
    let found = findings(
        r#"
channel = 1
packages = "git"
[image]
name = 7
layers = "100"
systems = "x86_64-linux"
env = { A = 1, B = true }
[boot]
enable = "true"
[[daemons]]
command = []
[entrypoint]
command = "web --port '8 0'"
port = [80]
health = true
user = 1.5
stop = { grace = 30 }
[persist]
volume = 2020-01-01
"#,
        "",
        "",
    );
    insta::assert_snapshot!(found, @r#"
        system.toml:1:11 `channel` has to be a string, not an integer
            write it in quotes: "1"
        system.toml:2:12 `packages` has to be a list of strings, not a string
            write a list: ["git"]
        system.toml:4:8 `image.name` has to be a string, not an integer
            write it in quotes: "7"
        system.toml:5:10 `image.layers` has to be an integer, not a string
            write it without quotes: 100
        system.toml:6:11 `image.systems` has to be a list of strings, not a string
            write a list: ["x86_64-linux"]
        system.toml:7:13 `image.env.A` has to be a string, not an integer
            write it in quotes: "1"
        system.toml:7:20 `image.env.B` has to be a string, not true or false
            write it in quotes: "true"
        system.toml:9:10 `boot.enable` has to be true or false, not a string
            write it without quotes: true
        system.toml:10:1 `daemons` has to be a table, not a list
            write a table: `[daemons]`, in single brackets, or { … }
        system.toml:13:11 `entrypoint.command` has to be a list of strings, not a string
            write it as a list: ["web", "--port", "8 0"]
        system.toml:14:8 `entrypoint.port` has to be an integer, not a list
        system.toml:15:10 `entrypoint.health` has to be a table, not true or false
        system.toml:16:8 `entrypoint.user` has to be a string, an integer or a list of strings, not a number with a point
            write it in quotes: "1.5"
        system.toml:17:18 `entrypoint.stop.grace` has to be a string, not an integer
            write it with a unit, in quotes: "10s"
        system.toml:19:10 `persist.volume` has to be a string, not a date
    "#);
}

#[test]
fn values_outside_their_range() {
    let found = findings(
        r#"
[image]
name = "box"
layers = 200
systems = ["x86_64-linx", "riscv64-linux"]
[entrypoint]
command = ["x"]
port = 70000
stop.signal = "SIGTREM"
[daemons.a]
command = ["a"]
ports = [0]
restart = "never"
[logs]
format = "xml"
"#,
        r"
[alice]
uid = -1
[bob]
uid = 99999999999999999999
",
        "",
    );
    insta::assert_snapshot!(found, @r"
        system.toml:3:10 `image.layers` is out of range
            it can be from 5 to 125
        system.toml:4:12 `image.systems` can't be `x86_64-linx`
            did you mean `x86_64-linux`?
        system.toml:4:27 `image.systems` can't be `riscv64-linux`
            choices are `x86_64-linux`, `aarch64-linux`
        system.toml:7:8 `entrypoint.port` is out of range
            it can be from 1 to 65535
        system.toml:8:15 `entrypoint.stop.signal` can't be `SIGTREM`
            did you mean `SIGTERM`?
        system.toml:11:10 `daemons.a.ports` is out of range
            it can be from 1 to 65535
        system.toml:12:11 `daemons.a.restart` can't be `never`
            choices are `on-failure`, `always`, `no`
        system.toml:14:10 `logs.format` can't be `xml`
            choices are `text`, `json`
        users.toml:2:7 `alice.uid` is out of range
            it can be from 0 to 4294967294
        users.toml:4:7 `bob.uid` is out of range
            it can be from 0 to 4294967294
    ");
}

#[test]
fn missing_keys_show_an_example() {
    let found = findings(
        r#"
[entrypoint]
user = "root"
[daemons.x]
[persist]
paths = [{ owner = "root" }]
"#,
        r"
[alice]
shell = 'sh'
",
        "",
    );
    insta::assert_snapshot!(found, @r#"
        system.toml:1:2 `command` is missing in `entrypoint`
            add `command = ["./bin/web", "--port", "8080"]`
        system.toml:3:10 `command` is missing in `daemons.x`
            add `command = ["sshd", "-D", "-e"]`
        system.toml:5:1 `path` is missing in `persist.paths`
            add `path = "/var/lib/app"`
        users.toml:1:2 `uid` is missing in `alice`
            add `uid = 1000`
    "#);
}

#[test]
fn missing_name_in_image() {
    let found = findings(
        r#"
[image]
tag = "x"
"#,
        "",
        "",
    );
    insta::assert_snapshot!(found, @r#"
        system.toml:1:2 `name` is missing in `image`
            add `name = "lazycoder"`
    "#);
}

#[test]
fn packages_below_a_table_move_up() {
    let found = findings(
        r#"
[image]
name = "box"
packages = ["git"]
channel = "x"
[image.env]
packages = ["git"]
[groups]
packages = []
"#,
        "",
        r"
[xdg.configFile.x]
text = ''
packages = ['x']
",
    );
    insta::assert_snapshot!(found, @r"
        system.toml:3:1 unknown key `packages` in `image`
            in TOML a key belongs to the table above it: move `packages` up, above the first table (the first line in `[…]`)
        system.toml:4:1 unknown key `channel` in `image`
            in TOML a key belongs to the table above it: move `channel` up, above the first table (the first line in `[…]`)
        system.toml:6:12 `image.env.packages` has to be a string, not a list
            in TOML a key belongs to the table above it: move `packages` up, above the first table (the first line in `[…]`)
        system.toml:8:12 `groups.packages` has to be an integer, not a list
            in TOML a key belongs to the table above it: move `packages` up, above the first table (the first line in `[…]`)
        home.toml:3:1 unknown key `packages` in `xdg.configFile.x`
            in TOML a key belongs to the table above it: move `packages` up, above the first table (the first line in `[…]`)
    ");
}

#[test]
fn syntax_errors_of_all_files_come_at_once() {
    let found = findings(
        r#"
packages = [
[image
name = "box"
"#,
        r"
[alice
uid = 1
",
        r"
a = 
b = 'x
",
    );
    insta::assert_snapshot!(found, @r"
        system.toml:2:2 not TOML: invalid float, expected `inf`
        system.toml:3:1 not TOML: missing comma between array elements, expected `,`
        system.toml:3:13 not TOML: unclosed array, expected `]`
        users.toml:1:7 not TOML: unclosed table, expected `]`
        home.toml:1:5 not TOML: string values must be quoted, expected literal string
        home.toml:2:7 not TOML: invalid literal string, expected `'`
    ");
}

#[test]
fn duplicate_keys() {
    let found = findings(
        r#"
[image]
name = "a"
name = "b"
[image]
"#,
        "",
        "",
    );
    insta::assert_snapshot!(found, @r"
        system.toml:3:1 not TOML: duplicate key `name`
        system.toml:4:2 not TOML: duplicate key `image`
    ");
}

#[test]
fn characters_that_break_files() {
    let found = findings(
        r#"
packages = ["a\u0000b"]
[files."/a\nb"]
text = ""
[files."/a\u0000b"]
text = ""
"#,
        r#"
[alice]
uid = 1000
shell = '/bin/a:b'
authorized-keys = ["ssh-ed25519 AAAA\nroot"]
"#,
        "",
    );
    insta::assert_snapshot!(found, @r"
        system.toml:1:13 `packages` has a NUL character
        system.toml:2:8 the target `/a\nb` has a control character
            write another target, from the root: /etc/motd
        system.toml:4:8 a key has a NUL character
        users.toml:3:9 `/bin/a:b` can't be a shell
            write a command's name, such as bash, or an absolute path
        users.toml:4:20 this is no public key of ssh
            write the line of a .pub file: ssh-ed25519 AAAA… comment
    ");
}
