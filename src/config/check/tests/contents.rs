//! Files, units and homes.

use super::findings;

#[test]
fn targets_stay_where_they_can() {
    let found = findings(
        r#"
[files."etc/motd"]
text = ""
[files."/a/../b"]
text = ""
[files."/data/x"]
text = ""
[files."/nix/store/x"]
text = ""
[files."/proc/x"]
text = ""
[files."/"]
text = ""
[files."/a/.wh.x"]
text = ""
[files."/var/lib/app/x"]
text = ""
[persist]
paths = ["/var/lib/app", "/data/y", "rel", "/var/lib/app/z", "/dev/x", "/"]
store-limit = "4 gigs"
"#,
        "",
        "",
    );
    insta::assert_snapshot!(found, @r#"
        system.toml:1:8 the target `etc/motd` is not absolute
            write a target from the root: /etc/motd
        system.toml:3:8 the target `/a/../b` has a `..`
            write another target, from the root: /etc/motd
        system.toml:5:8 the target `/data/x` lies below the volume /data
            the volume hides what the image has there; choose another target
        system.toml:7:8 the target `/nix/store/x` lies in /nix
            Nix's folder holds packages only
        system.toml:9:8 the target `/proc/x` lies in /proc
            the kernel mounts /proc over it
        system.toml:11:8 a target can't be the root itself
            make an entry for each folder in it
        system.toml:13:8 the target `/a/.wh.x` has a name beginning `.wh.`, which container images reserve
            write another target, from the root: /etc/motd
        system.toml:15:8 warning: the target `/var/lib/app/x` lies below /var/lib/app, which is kept on the volume
            the image's content is copied there once, while the volume is new; later changes of it don't arrive
        system.toml:18:26 `/data/y` lies on the volume already
            it is kept anyway
        system.toml:18:37 `rel` is not absolute
            write a path such as /data
        system.toml:18:44 `/var/lib/app/z` and `/var/lib/app` lie one in the other
            the outer one is enough
        system.toml:18:62 `/dev/x` lies in /dev
            the machine mounts /dev over it; write a path such as /data
        system.toml:18:72 the root itself can't be kept
            write a path such as /data
        system.toml:19:15 `4 gigs` is no size
            write "4GiB"
    "#);
}

#[test]
fn colliding_files() {
    let found = findings(
        r#"
[files."/etc/motd"]
text = ""
[files."/etc//motd/"]
text = ""
[files."/a"]
text = ""
[files."/a/b"]
text = ""
"#,
        "",
        r#"
[file.".config/x"]
text = ''
[xdg.configFile.x]
text = ''
[file.d]
text = ''
[file."d/e"]
text = ''
[file."/abs"]
text = ''
[file."../up"]
text = ''
"#,
    );
    insta::assert_snapshot!(found, @r"
        system.toml:3:8 `/etc//motd/` is the same target as `/etc/motd`
            remove one of them
        system.toml:7:8 `/a/b` lies below `/a`, which is a file
            give one of them another target
        home.toml:3:17 `x` is the same target as `.config/x`
            remove one of them
        home.toml:7:7 `d/e` lies below `d`, which is a file
            give one of them another target
        home.toml:9:7 the path `/abs` is absolute
            write a path below the home
        home.toml:11:7 the path `../up` has a `..`
            write a path below the home
    ");
}

#[test]
fn contents_of_files() {
    let found = findings(
        r#"
[files."/a"]
[files."/b"]
text = ""
source = "./x"
[files."/c"]
text = ""
exclude = ["*.map"]
[files."/d"]
source = "./x"
exclude = ["a[", "*.map"]
[files."/e"]
text = ""
mode = 644
[files."/f"]
text = ""
mode = "rw"
[files."/g"]
text = ""
mode = 0o644
[files."/h"]
source = "../x"
"#,
        "",
        r"
[file.a]
[file.b]
text = ''
json = 1
[file.c]
text = ''
recursive = true
",
    );
    insta::assert_snapshot!(found, @r#"
        system.toml:1:8 nothing says what `/a` holds
            add `text = "…"` or `source = "./path"`
        system.toml:4:10 a file has `text` or `source`, not both
            remove one of them
        system.toml:7:12 `exclude` says nothing about `text`
            remove it, or use `source`
        system.toml:10:12 `a[` is no glob: unclosed character class; missing ']'
            globs are like *.map, cache/** and {a,b}.txt
        system.toml:13:8 `644` is a decimal number
            permissions are octal: "0644", or 0o644
        system.toml:16:8 "rw" is no mode
            write "0644" or "0755"
        system.toml:21:10 `../x` leads out of the project
            move it into the project, or write an absolute path
        home.toml:1:7 nothing says what `a` holds
            add `text`, `source`, `json`, `toml`, `yaml`, `ini` or `gitconfig`
        home.toml:4:8 a file has one content
            keep one of `text`, `source`, `json`, `toml`, `yaml`, `ini` or `gitconfig`
        home.toml:7:13 `recursive` says nothing without `source`
            remove it, or use `source`
    "#);
}

#[test]
fn everybody_and_nobody() {
    let found = findings(
        r#"
[entrypoint]
command = ["x"]
user = "*"
"#,
        "",
        "",
    );
    insta::assert_snapshot!(found, @r"
        system.toml:3:8 warning: `*` means each user, but there are none
            declare users in users.toml
        system.toml:3:8 the entrypoint runs as one user
            name one user; `[daemons]` can run once for each of several
    ");
}

#[test]
fn commands() {
    let found = findings(
        r#"
packages = ["./dist"]
[entrypoint]
command = ["web --port 80"]
[daemons.a]
command = []
[daemons.b]
command = [""]
[daemons.c]
command = "sh -c 'a b'"
"#,
        "",
        "",
    );
    insta::assert_snapshot!(found, @r#"
        system.toml:3:12 warning: `web --port 80` is one word: a program's name with spaces
            write a word each: ["web", "--port", "80"]
        system.toml:5:11 the command is empty
            write ["program", "argument"]
        system.toml:7:12 the command names no program
            write ["program", "argument"]
        system.toml:9:11 `daemons.c.command` has to be a list of strings, not a string
            write it as a list: ["sh", "-c", "a b"]
    "#);
}

#[test]
fn order_of_daemons() {
    let found = findings(
        r#"
[entrypoint]
command = ["x"]
after = ["b", "z"]
[daemons.a]
command = ["a"]
after = ["b"]
[daemons.b]
command = ["b"]
after = ["c"]
[daemons.c]
command = ["c"]
after = ["a", "entrypoint", "c"]
"#,
        "",
        "",
    );
    insta::assert_snapshot!(found, @r"
        system.toml:3:15 no daemon `z` is declared
            daemons are `a`, `b`, `c`
        system.toml:12:10 daemons wait for each other: `a` after `b` after `c` after `a`
            take one of them out of `after`
        system.toml:12:15 no daemon `entrypoint` is declared
            the entrypoint starts last, when all daemons are ready
        system.toml:12:29 `c` waits for itself
            remove it
    ");
}

#[test]
fn health_ready_and_ports() {
    let found = findings(
        r#"
[entrypoint]
command = ["x"]
port = 80
ports = [80]
health = { http = "healthz", command = ["y"], interval = "soon", grace = "0s" }
ready = {}
[daemons.a]
command = ["a"]
ports = [80]
health = { interval = "0s" }
ready = { port = 1, file = "x" }
secrets = ["A-B"]
secret-files = ["1"]
[daemons.b]
command = ["b"]
health = { http = "/" }
"#,
        "",
        "",
    );
    insta::assert_snapshot!(found, @r#"
        system.toml:4:10 warning: port 80 is that of `entrypoint` already
            only one can listen on it
        system.toml:5:19 `healthz` is no path to ask for
            write the path of a URL: /healthz
        system.toml:5:40 health is seen by `http` or by `command`, not both
            remove one of them
        system.toml:5:58 `soon` is no duration
            write a number with ms, s, m, h or d: "30s", "5m"
        system.toml:6:9 `ready` has one way to see it
            write one of `port`, `file`, `command` and `notify = true`
        system.toml:9:10 warning: port 80 is that of `entrypoint` already
            only one can listen on it
        system.toml:10:10 `health` does not say how to look
            add `http = "/healthz"` or `command = […]`
        system.toml:10:23 `interval` can't be zero
            write "30s"
        system.toml:11:9 `ready` has one way to see it
            write one of `port`, `file`, `command` and `notify = true`
        system.toml:11:28 `x` is not absolute
            write a path like /run/x.sock
        system.toml:12:12 `A-B` can't be a secret's name
            use letters, digits and `_`: DATABASE_URL; the value comes when the machine runs
        system.toml:13:17 `1` can't be a secret's name
            use letters, digits and `_`: DATABASE_URL; the value comes when the machine runs
        system.toml:16:19 `http` asks the unit's port, but it has none
            add `port`
    "#);
}

#[test]
fn homes() {
    let found = findings(
        "",
        r"
[alice]
uid = 1000
shell = 'a b'
authorized-keys = ['nonsense']
home.without = ['ripgerp', 'fd', 'notes']
home.programs.git.settings = {}
home.programs.vim.x = 1
",
        r"
inherit = false
backup-extension = '/'
packages = ['/nix/store/00000000000000000000000000000000-ripgrep', '/nix/store/00000000000000000000000000000000-x']
sessionPath = ['a:b']
sessionVariables = { 'A=' = '${pkgs.zz}' }
shellAliases = { 'a b' = '' }
[programs.git]
enable = true
[programs.bash]
initExtra = ''
[daemons.notes]
command = 'notes-server'
[daemons.d]
command = ['d']
ports = [80]
after = ['nots']
",
    );
    insta::assert_snapshot!(found, @r#"
        users.toml:3:9 `a b` can't be a shell
            write a command's name, such as bash, or an absolute path
        users.toml:4:20 this is no public key of ssh
            write the line of a .pub file: ssh-ed25519 AAAA… comment
        users.toml:5:17 warning: home.toml gives no `ripgerp` to take out
            remove it
        users.toml:5:28 warning: home.toml gives no `fd` to take out
            remove it
        users.toml:7:15 warning: `programs.vim` is not enabled
            add `enable = true`; without it the table does nothing
        home.toml:1:11 `inherit` says nothing in home.toml
            it belongs to a user: `home.inherit` in users.toml
        home.toml:2:20 `/` can't be an extension
            write letters, such as backup
        home.toml:4:16 `a:b` can't stand on a PATH
            write one folder, such as $HOME/.local/bin; more are more entries
        home.toml:5:22 `A=` can't be a variable's name
            a name is not empty and has no `=` or space
        home.toml:6:18 `a b` can't be an alias
            shells take letters, digits, `-`, `_` and `.` in an alias
        home.toml:9:11 warning: `programs.bash` is not enabled
            add `enable = true`; without it the table does nothing
        home.toml:12:11 `daemons.notes.command` has to be a list of strings, not a string
            write it as a list: ["notes-server"]
        home.toml:15:10 `daemons.d.ports` is out of range
            it can be from 1024 to 65535
        home.toml:16:10 no daemon `nots` is declared
            did you mean `notes`?
    "#);
}
