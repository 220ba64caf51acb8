//! Helpers that packages bring for each other's scripts: of apache2, PHP and `PostgreSQL`. Each makes links that its programs need.

use super::super::{Action, Alternative};
use super::run::Runner;
use super::state::Value;

/// PHP's interfaces, each with settings of its own.
const PHP_INTERFACES: [&str; 6] = ["apache2", "cgi", "cli", "embed", "fpm", "phpdbg"];

/// Extensions that others lean on are loaded first; 20 is for all others.
const PHP_PRIORITIES: [(&str, u8); 5] = [("opcache", 10), ("pdo", 10), ("mysqlnd", 10), ("xml", 15), ("psr", 10)];

impl Runner<'_> {
    /// One of the helpers; `None`: it is none of them.
    #[expect(
        clippy::option_option,
        reason = "the outer one says whether the command is known, the inner one how it ended"
    )]
    pub(super) fn helper(&mut self, name: &str, arguments: &[Value]) -> Option<Option<bool>> {
        let texts = arguments.iter().flatten().map(String::as_str).filter(|text| !text.starts_with('-'));
        let texts = texts.map(str::to_owned).collect::<Vec<_>>();
        let texts = texts.iter().map(String::as_str).collect::<Vec<_>>();
        Some(match (name, &texts[..]) {
            ("a2enmod", names) => Some(self.enable(names, "mods", &["load", "conf"])),
            ("a2enconf", names) => Some(self.enable(names, "conf", &["conf"])),
            ("a2ensite", names) => Some(self.enable(names, "sites", &["conf"])),
            ("apache2_invoke", ["enmod", name, ..]) => Some(self.enable(&[name], "mods", &["load", "conf"])),
            ("apache2_invoke", ["enconf", name, ..]) => Some(self.enable(&[name], "conf", &["conf"])),
            ("apache2_invoke", ["ensite", name, ..]) => Some(self.enable(&[name], "sites", &["conf"])),
            ("php_invoke", ["enmod", version, interface, module]) => Some(self.enable_php(version, interface, module)),
            // All that is enabled was enabled for all interfaces.
            ("phpquery", _) => {
                self.print(&Some(String::new()));
                Some(true)
            }
            // mysql-common's: who brings a configuration offers it.
            ("/usr/share/mysql-common/configure-symlinks", ["install", _, path]) => {
                self.emit(Action::Alternative(Alternative {
                    link: "/etc/mysql/my.cnf".to_owned(),
                    name: "my.cnf".to_owned(),
                    path: (*path).to_owned(),
                    priority: 200,
                    followers: Vec::new(),
                }));
                Some(true)
            }
            ("configure_client_version", [version, ..]) => self.manual_pages(version, "psql.1.gz"),
            ("configure_version", [version, ..]) => {
                self.explain("pg_createcluster", super::explained::DATA);
                self.manual_pages(version, "postmaster.1.gz")
            }
            _ => return None,
        })
    }

    fn enable(&mut self, names: &[&str], part: &str, endings: &[&str]) -> bool {
        for name in names {
            for ending in endings {
                let file = format!("{part}-available/{name}.{ending}");
                if self.stands(&format!("/etc/apache2/{file}")) == Some(true) {
                    self.symlink(format!("/etc/apache2/{part}-enabled/{name}.{ending}"), format!("../{file}"));
                }
            }
        }
        true
    }

    fn enable_php(&mut self, version: &str, interface: &str, module: &str) -> bool {
        let priority = PHP_PRIORITIES.iter().find(|(name, _)| *name == module).map_or(20, |(_, priority)| *priority);
        for known in PHP_INTERFACES {
            let is_there = self.stands(&format!("/usr/lib/php/{version}/sapi/{known}")) == Some(true);
            if is_there && (interface == "ALL" || interface == known) {
                let target = format!("/etc/php/{version}/mods-available/{module}.ini");
                self.symlink(format!("/etc/php/{version}/{known}/conf.d/{priority}-{module}.ini"), target);
            }
        }
        true
    }

    /// `PostgreSQL`'s pages of several versions are alternatives, all of them following one.
    fn manual_pages(&mut self, version: &str, master: &str) -> Option<bool> {
        let paths = self.package.listing.entries().iter();
        let paths =
            paths.filter_map(|entry| std::str::from_utf8(entry.path.as_bytes()).ok()).map(|path| format!("/{path}"));
        let pages = paths
            .filter(|path| path.contains("/man/man") && path.as_bytes().ends_with(b".gz") && !path.contains(master));
        let follower = |path: String| {
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            [path.replacen(&format!("postgresql/{version}/"), "", 1), name, path]
        };
        let followers = pages.map(follower).collect::<Vec<_>>();
        self.spend(followers.len());
        let priority = format!("{version}0").parse().ok();
        if followers.is_empty() {
            return Some(true);
        }
        let Some(priority) = priority else { return self.unknown() };
        self.emit(Action::Alternative(Alternative {
            link: format!("/usr/share/man/man1/{master}"),
            name: master.to_owned(),
            path: format!("/usr/share/postgresql/{version}/man/man1/{master}"),
            priority,
            followers,
        }));
        Some(true)
    }
}
