//! Commands whose work an image doesn't need, or that dumbc does in another way: each with its reason.

use super::state::Value;

/// For what a script writes into files that dumbc makes itself.
pub(super) const GENERATED: &str = "dumbc makes this file itself";

/// The key that bind9's scripts ask for, and then change.
pub(super) const RNDC_KEY: &str = "/etc/bind/rndc.key";

/// Files that are made of the whole machine.
const MADE: [&str; 15] = [
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/subuid",
    "/etc/subgid",
    "/etc/shells",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/machine-id",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/ld.so.cache",
    "/etc/ca-certificates.conf",
];

/// Whether dumbc makes what stands at `path`, or nothing on a machine may depend on it.
pub(super) fn is_generated(path: &str) -> bool {
    let path = path.strip_suffix("-").unwrap_or(path);
    MADE.contains(&path)
        || ["/etc/alternatives/", "/etc/ssl/certs/", "/var/lib/dpkg/", "/var/lib/ucf/"]
            .iter()
            .any(|folder| path.starts_with(folder))
        || path.strip_suffix(".dpkg-new").or(path.strip_suffix(".dpkg-old")).is_some_and(|path| MADE.contains(&path))
}

/// Tools that every Debian machine has, and whose work is done here whether they are in the image or not.
pub(super) fn is_own_tool(name: &str) -> bool {
    const TOOLS: [&str; 17] = [
        "dpkg",
        "dpkg-vendor",
        "dpkg-divert",
        "dpkg-statoverride",
        "dpkg-query",
        "dpkg-trigger",
        "dpkg-maintscript-helper",
        "update-alternatives",
        "deb-systemd-helper",
        "deb-systemd-invoke",
        "invoke-rc.d",
        "update-rc.d",
        "adduser",
        "addgroup",
        "useradd",
        "groupadd",
        "usermod",
    ];
    let folders = ["/usr/bin/", "/usr/sbin/"];
    let bare = folders.iter().find_map(|folder| name.strip_prefix(folder)).unwrap_or(name);
    TOOLS.contains(&bare)
}

const SERVICES: &str =
    "daemons are the machine's own: system.toml says which run, and nothing runs while an image is made";
const SYSUSERS: &str = "users and groups of sysusers.d are made with all others";
const TMPFILES: &str = "folders of tmpfiles.d are for a machine that systemd boots";
pub(super) const HISTORY: &str = "it repairs what older versions left behind; nothing older was here";
const PYTHON: &str = "Python compiles a module when it is first used; the compiled files only save time";
const CACHE: &str = "it makes a cache that only saves time";
const DESKTOP: &str = "it makes an index for the programs of graphical desktops";
const DOCUMENTS: &str = "it makes an index of documents that readers do without";
const KERNEL: &str = "an image has no kernel, boot loader or devices of its own";
pub(super) const DATA: &str =
    "it makes a database; data are no part of an image: make it when the machine first starts";
const KEYS: &str = "it makes private keys; an image holds none: make them when the machine first starts";
const MESSAGE: &str = "it tells running programs of a change; none runs while an image is made";

/// Why nothing is lost without the command `name`, and how it ends.
pub(super) fn explanation(name: &str, arguments: &[Value]) -> Option<(&'static str, Option<bool>)> {
    let first = arguments.iter().flatten().map(String::as_str).find(|argument| !argument.starts_with('-'));
    let reason = match name {
        "deb-systemd-helper" | "deb-systemd-invoke" | "systemctl" | "invoke-rc.d" | "update-rc.d" | "service"
        | "start-stop-daemon" | "rc-update" | "telinit" | "init" | "initctl" | "openrc" | "rc-service"
        | "runit-helper" | "kill" | "killall" | "pkill" | "update-inetd" | "journalctl" | "loginctl"
        | "systemd-run" => {
            return Some((SERVICES, service_status(name, first)));
        }
        "systemd-sysusers" => SYSUSERS,
        "systemd-tmpfiles" => TMPFILES,
        "dpkg-maintscript-helper" | "groupmod" | "deluser" | "delgroup" | "userdel" | "groupdel" | "update-passwd" => {
            HISTORY
        }
        "py3compile" | "py3clean" | "pycompile" | "pyclean" | "pypy3compile" | "pypy3clean" | "pypycompile" => PYTHON,
        _ if name.starts_with("python3") && arguments.iter().flatten().any(|text| text.contains("compile")) => PYTHON,
        _ if name.starts_with("gtk-query-immodules") => DESKTOP,
        "pam-auth-update" => "dumbc makes /etc/pam.d/common-* from all packages' profiles",
        "ldconfig" => "dumbc writes /etc/ld.so.cache from all libraries of the image",
        "update-ca-certificates" => "dumbc makes /etc/ssl/certs from all certificates of the image",
        "dpkg-trigger" => "a trigger asks another package's script, whose work is explained there",
        "update-shells" | "add-shell" | "remove-shell" => "dumbc writes /etc/shells from the shells of the image",
        "shadowconfig" | "pwconv" | "grpconv" | "pwck" | "grpck" | "passwd" | "chage" | "chfn" | "chpasswd" => {
            "dumbc writes passwd, group and their shadows, without passwords"
        }
        "systemd-machine-id-setup" | "dbus-uuidgen" => {
            "an image has no machine-id: each machine gets its own when it starts"
        }
        "ucfr" => "it notes which package a configuration file is of, for later upgrades",
        "update-mime-database"
        | "update-desktop-database"
        | "update-icon-caches"
        | "gtk-update-icon-cache"
        | "update-menus"
        | "update-mime"
        | "xdg-mime"
        | "update-gdkpixbuf-loaders"
        | "gtk-update-icon-cache-3.0"
        | "update-app-install" => DESKTOP,
        "mandb" | "install-info" | "update-info-dir" | "update-catalog" | "update-xmlcatalog"
        | "update-sgmlcatalog" | "install-docs" | "helpztags" | "texhash" | "mktexlsr" => DOCUMENTS,
        "gdk-pixbuf-query-loaders" | "appstreamcli" | "glib-compile-schemas" | "dconf" | "update-gconf-defaults" => {
            DESKTOP
        }
        "gio-querymodules"
        | "emacs-install"
        | "emacs-package-install"
        | "pg_updatedicts"
        | "py_compile.py"
        | "fc-cache"
        | "update-fonts-dir"
        | "update-fonts-scale"
        | "update-fonts-alias"
        | "mkfontscale"
        | "mkfontdir"
        | "iconvconfig"
        | "update-command-not-found"
        | "apt-cache" => CACHE,
        "update-initramfs" | "update-grub" | "depmod" | "modprobe" | "udevadm" | "systemd-hwdb" | "kernel-install"
        | "sysctl" | "update-binfmts" | "mount" | "umount" | "swapon" | "setupcon" | "bootctl" | "restorecon"
        | "selinuxenabled" | "apparmor_parser" | "aa-enabled" | "aa-status" | "rmmod" | "blkid" | "dmsetup" => {
            let status =
                if matches!(name, "selinuxenabled" | "aa-enabled" | "aa-status") { Some(false) } else { Some(true) };
            return Some((KERNEL, status));
        }
        "ssh-keygen" | "make-ssl-cert" | "rndc-confgen" | "openssl" => KEYS,
        "mysql_install_db" | "mariadb-install-db" | "pg_createcluster" => DATA,
        "pg_checksystem" | "pg_updateaptconfig" | "dbus-send" | "gdbus" | "busctl" | "nscd" | "logger" | "wall"
        | "notify-send" | "needrestart" => MESSAGE,
        _ => return None,
    };
    Some((reason, Some(true)))
}

/// What questions about services are answered with: nothing runs, nothing was ever enabled or disabled by hand.
fn service_status(name: &str, first: Option<&str>) -> Option<bool> {
    match (name, first) {
        ("deb-systemd-helper", Some("debian-installed"))
        | ("systemctl", Some("is-active" | "is-enabled" | "is-system-running" | "is-failed")) => Some(false),
        ("invoke-rc.d" | "service", _) => None,
        _ => Some(true),
    }
}
