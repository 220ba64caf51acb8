//! users.toml.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::source::At;
use super::HomeTable;

/// The machine's users, by name.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(title = "users.toml")]
pub(in super::super) struct UsersFile(pub(in super::super) BTreeMap<At<String>, UserTable>);

/// A user.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct UserTable {
    /// The user's number.
    #[schemars(required, extend("maximum" = 4_294_967_294_u32), example = 1000)]
    pub(in super::super) uid: Option<At<u32>>,

    /// The number of the user's group. By default the uid.
    #[schemars(extend("maximum" = 4_294_967_294_u32))]
    pub(in super::super) gid: Option<At<u32>>,

    /// The login shell: a command of the user's or the system's packages, or an absolute path.
    #[schemars(example = &"bash")]
    pub(in super::super) shell: Option<At<String>>,

    /// Groups that the user belongs to beside their own; those of `[groups]` in system.toml, `wheel` and
    /// `users`; with a Debian channel, Debian's own (`sudo`, `video`) and those that packages bring.
    #[serde(default)]
    #[schemars(example = ["wheel"])]
    pub(in super::super) groups: Vec<At<String>>,

    /// Public keys that let the user in by ssh: lines as in `authorized_keys`.
    #[serde(default)]
    #[schemars(example = ["ssh-ed25519 AAAA… alice"])]
    pub(in super::super) authorized_keys: Vec<At<String>>,

    /// The user's own part of the home configuration, over home.toml.
    pub(in super::super) home: Option<At<HomeTable>>,
}
