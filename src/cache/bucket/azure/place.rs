//! `azblob://container/folder?account=…&endpoint=…&addressing-style=…`

use std::fmt;

use super::super::super::http::Url;
use super::super::address::{Endpoint, Folder};

/// What follows an account's name in its host.
const HOST: &str = "blob.core.windows.net";

/// Names the account where an address names none, as for Azure's own tools.
const ACCOUNT: &str = "AZURE_STORAGE_ACCOUNT";

/// A folder of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cache::bucket) struct Place {
    folder: Folder,
    account: String,
    endpoint: Option<Endpoint>,
    /// The account is the path's first part, not the host's.
    in_path: bool,
    root: Url,
    url: Url,
}

impl Place {
    /// Parses what follows `azblob://`, and the settings; the environment may name the account.
    pub(in crate::cache::bucket) fn parse(
        rest: &str,
        settings: &[(&str, &str)],
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, &'static str> {
        let folder = Folder::parse(rest)?;
        let setting = |wanted: &str| settings.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
        let account = setting("account").map(str::to_owned).or_else(|| variable(ACCOUNT));
        let account = account.ok_or("it names no account, and neither does AZURE_STORAGE_ACCOUNT")?;
        if !is_account(&account) {
            return Err("an account's name has 3 to 24 small letters and digits");
        }
        let endpoint = Endpoint::find(settings)?;
        let own = endpoint.as_ref().is_some_and(|endpoint| !endpoint.host.starts_with(&format!("{account}.")));
        let in_path = match setting("addressing-style") {
            None | Some("auto") => own,
            Some("path") => true,
            Some("virtual") => false,
            Some(_) => return Err("its addressing-style is none of `auto`, `path` and `virtual`"),
        };
        let origin = endpoint.as_ref().map_or_else(|| format!("https://{account}.{HOST}"), Endpoint::origin);
        let folders = if in_path { format!("{account}/{}", folder.name) } else { folder.name.clone() };
        let root = format!("{origin}/{folders}/");
        let url = folder.url(&root)?;
        let root = root.parse().map_err(|_| "its endpoint can't stand in an address")?;
        Ok(Self { folder, account, endpoint, in_path, root, url })
    }

    /// The folder's address, which ends in a slash.
    pub(in crate::cache::bucket) const fn url(&self) -> &Url {
        &self.url
    }

    /// Whose container it is.
    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// Whether an address is one of the container's.
    pub(super) fn holds(&self, url: &Url) -> bool {
        self.root.same_origin(url) && url.path().starts_with(self.root.path())
    }
}

/// Whether this can be an account's name: part of a host's name is made of it.
fn is_account(text: &str) -> bool {
    (3..=24).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "azblob://{}?account={}", self.folder.shown(), self.account)?;
        let Some(endpoint) = &self.endpoint else { return Ok(()) };
        let style = if self.in_path { "path" } else { "virtual" };
        write!(formatter, "&endpoint={}&addressing-style={style}", endpoint.origin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(rest: &str, settings: &[(&str, &str)]) -> Result<String, &'static str> {
        Place::parse(rest, settings, &|_| None).map(|place| place.url().to_string())
    }

    #[test]
    fn containers_lie_with_their_account() {
        let ours = ("account", "ourteam");
        assert_eq!(url("cache/a/", &[ours]), Ok("https://ourteam.blob.core.windows.net/cache/a/".to_owned()));
        assert_eq!(
            url("cache", &[ours, ("endpoint", "http://127.0.0.1:10000/")]),
            Ok("http://127.0.0.1:10000/ourteam/cache/".to_owned())
        );
        assert_eq!(
            url("cache", &[("endpoint", "ourteam.blob.core.chinacloudapi.cn"), ours]),
            Ok("https://ourteam.blob.core.chinacloudapi.cn/cache/".to_owned())
        );
        assert_eq!(
            url("cache", &[ours, ("endpoint", "blobs.example.org"), ("addressing-style", "virtual")]),
            Ok("https://blobs.example.org/cache/".to_owned())
        );
        let named = Place::parse("cache", &[], &|name| (name == ACCOUNT).then(|| "ourteam".to_owned()));
        assert_eq!(named.expect("an account").to_string(), "azblob://cache?account=ourteam");
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        assert!(url("cache", &[]).expect_err("nobody's").contains("account"));
        for (rest, setting) in [
            ("", ("account", "ourteam")),
            ("a/../b", ("account", "ourteam")),
            ("a", ("account", "evil.org/")),
            ("a", ("account", "AB")),
            ("a", ("endpoint", "user:password@host")),
            ("a", ("addressing-style", "odd")),
        ] {
            assert!(url(rest, &[setting, ("account", "ourteam")]).is_err(), "{rest} {setting:?}");
        }
    }
}
