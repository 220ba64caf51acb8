//! What packages' scripts would have done, done without them.

use super::{entry, project, text};
use crate::support::debian::{Deb, DebArchive};
use crate::support::image::{Archive, Content};

fn image(debs: &[Deb], packages: &str) -> Archive {
    let archive = DebArchive::of(debs);
    Archive::read(&project(&archive, packages, "").build("1.tar.gz", &[]).path)
}

fn postinst(deb: Deb, body: &str) -> Deb {
    deb.member("postinst", &format!("#!/bin/sh\nset -e\nif [ \"$1\" = configure ]; then\n{body}\nfi\n"))
}

#[test]
fn the_alternative_of_the_highest_priority_wins() {
    let editor = |name: &str, priority: u32| {
        let path = format!("./usr/bin/{name}");
        let install = format!(
            "update-alternatives --install /usr/bin/editor editor /usr/bin/{name} {priority} \
             --slave /usr/share/man/man1/editor.1.gz editor.1.gz /usr/share/man/man1/{name}.1.gz"
        );
        postinst(
            Deb::new(name, "1").program(&path, "true").file(&format!("./usr/share/man/man1/{name}.1.gz"), name),
            &install,
        )
    };
    let image = image(&[editor("nano", 40), editor("vim", 50)], r#"["nano", "vim"]"#);
    let link = |path: &str| entry(&image, path).content;
    assert_eq!(link("usr/bin/editor"), Content::Link(b"/etc/alternatives/editor".to_vec()));
    assert_eq!(link("etc/alternatives/editor"), Content::Link(b"/usr/bin/vim".to_vec()));
    assert_eq!(link("etc/alternatives/editor.1.gz"), Content::Link(b"/usr/share/man/man1/vim.1.gz".to_vec()));
    let database = text(&image, "var/lib/dpkg/alternatives/editor");
    assert!(database.starts_with("auto\n/usr/bin/editor\n") && database.contains("/usr/bin/nano\n40\n"), "{database}");
}

#[test]
fn users_come_from_scripts_and_sysusers() {
    let daemon = postinst(
        Deb::new("daemon", "1").file(
            "./usr/lib/sysusers.d/other.conf",
            "u _other - \"Other\" /run/other /usr/sbin/nologin\nm _other adm\n",
        ),
        "adduser --system --group --home /var/lib/daemon --no-create-home --gecos 'A daemon' --quiet _daemon\nadduser --quiet _daemon ssl-cert || true",
    );
    let image = image(&[daemon], r#"["daemon"]"#);
    let (passwd, group) = (text(&image, "etc/passwd"), text(&image, "etc/group"));
    assert!(passwd.contains("_daemon:x:101:101:A daemon:/var/lib/daemon:/usr/sbin/nologin\n"), "{passwd}");
    assert!(passwd.contains("_other:x:102:102:Other:/run/other:/usr/sbin/nologin\n"), "{passwd}");
    assert!(passwd.contains("www-data:x:33:33:"), "{passwd}");
    assert!(group.contains("_daemon:x:101:\n") && group.contains("\nadm:x:4:_other\n"), "{group}");
}

#[test]
fn capabilities_owners_and_modes_are_those_that_scripts_set() {
    let ping = postinst(
        Deb::new("ping", "1").program("./bin/ping", "true"),
        "if command -v setcap > /dev/null; then\n  if setcap cap_net_raw+ep /bin/ping; then chmod u-s /bin/ping; else chmod u+s /bin/ping; fi\nelse\n  chmod u+s /bin/ping\nfi",
    );
    let setcap = Deb::new("libcap2-bin", "1").program("./sbin/setcap", "true");
    let crontab = postinst(
        Deb::new("cron", "1").program("./usr/bin/crontab", "true").folder("./var/spool/cron", 0o755, (0, 0)),
        "addgroup --quiet --system crontab\nif ! dpkg-statoverride --list /usr/bin/crontab > /dev/null; then\n  dpkg-statoverride --update --add root crontab 2755 /usr/bin/crontab\nfi\nchown root:crontab /var/spool/cron\nchmod 1730 /var/spool/cron",
    );
    let debs = [ping, setcap, crontab];
    let with = image(&debs, r#"["ping", "libcap2-bin", "cron"]"#);
    // Revision 2, effective; 1 << 13 permitted.
    let bytes = [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(with.capability("usr/bin/ping").as_deref(), Some(&bytes[..]));
    assert_eq!(entry(&with, "usr/bin/ping").mode, 0o755);
    let crontab = entry(&with, "usr/bin/crontab");
    assert_eq!((crontab.mode, crontab.owner), (0o2755, (0, 101)));
    let spool = entry(&with, "var/spool/cron");
    assert_eq!((spool.mode, spool.owner), (0o1730, (0, 101)));
    assert_eq!(text(&with, "var/lib/dpkg/statoverride"), "root crontab 2755 /usr/bin/crontab\n");
    let without = image(&debs, r#"["ping"]"#);
    assert_eq!((without.capability("usr/bin/ping"), entry(&without, "usr/bin/ping").mode), (None, 0o4755));
}

#[test]
fn folders_links_and_files_of_scripts_and_tmpfiles_are_made() {
    let tool = postinst(
        Deb::new("tool", "1")
            .file("./usr/lib/tmpfiles.d/tool.conf", "d /var/cache/tool 0750 root adm -\nd /run/tool 0755 root root -\n")
            .file("./usr/share/tool/default", "on\n"),
        "mkdir -p /var/lib/tool\nchown www-data:www-data /var/lib/tool\nln -sf /usr/share/tool/default /etc/tool.link\nif [ ! -e /etc/tool.conf ]; then cp /usr/share/tool/default /etc/tool.conf; fi\ncat > /etc/tool.text <<EOF\nmade\nEOF",
    );
    let image = image(&[tool], r#"["tool"]"#);
    let cache = entry(&image, "var/cache/tool");
    assert_eq!((cache.mode, cache.owner, cache.content), (0o750, (0, 4), Content::Directory));
    assert_eq!(entry(&image, "var/lib/tool").owner, (33, 33));
    assert_eq!(entry(&image, "etc/tool.link").content, Content::Link(b"/usr/share/tool/default".to_vec()));
    assert_eq!(
        (text(&image, "etc/tool.conf"), text(&image, "etc/tool.text")),
        ("on\n".to_owned(), "made\n".to_owned())
    );
}

#[test]
fn what_scripts_make_in_a_packages_folder_leaves_the_folder_alone() {
    let daemon = postinst(
        Deb::new("daemon", "1").folder("./var/log/daemon/", 0o2750, (0, 4)),
        "touch /var/log/daemon/log\nchown root:adm /var/log/daemon/log\nchmod 640 /var/log/daemon/log",
    );
    let image = image(&[daemon], r#"["daemon"]"#);
    let of = |path: &str| (entry(&image, path).mode, entry(&image, path).owner);
    assert_eq!(of("var/log/daemon"), (0o2750, (0, 4)));
    assert_eq!(of("var/log/daemon/log"), (0o640, (0, 4)));
}

#[test]
fn check_names_the_package_that_logging_in_needs() {
    let su = Deb::new("su", "1").file("./etc/pam.d/su", "@include common-auth\n");
    let runtime = Deb::new("libpam-runtime", "1").file("./usr/share/pam/common-auth", "auth required pam_permit.so\n");
    let archive = DebArchive::of(&[su, runtime]);
    let says = |packages: &str| {
        let project = project(&archive, packages, "");
        project.build("1.tar.gz", &[]);
        project.dumbc(&["check"]).ok().stderr
    };
    let alone = says(r#"["su"]"#);
    assert!(
        alone.contains("/etc/pam.d/su asks for PAM's common stacks") && alone.contains("libpam-runtime"),
        "{alone}"
    );
    assert!(!says(r#"["su", "libpam-runtime"]"#).contains("PAM"));
}

#[test]
fn check_lists_what_nobody_knows() {
    let odd = postinst(Deb::new("odd", "1").file("./usr/share/odd", "x"), "ldconfig\nfrobnicate --all /usr/share/odd");
    let archive = DebArchive::of(&[odd]);
    let project = project(&archive, r#"["odd"]"#, "");
    project.dumbc(&["check"]).ok().says(&["run `dumbc lock`"]);
    project.build("1.tar.gz", &[]);
    let said = project.dumbc(&["check"]).ok();
    said.says(&[
        "warning: unknown to dumbc: odd: postinst, line 5: `frobnicate --all /usr/share/odd`",
        "scripts are not run",
    ]);
    assert!(!said.stderr.contains("ldconfig"), "{said}");
    assert_eq!(project.dumbc(&["check", "--json"]).ok().json()["packages"], "checked");
}
