//! What Nix's addresses of stores have after a `?`.

/// Settings that are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreSettings {
    /// In the place of what the cache says itself: lower ones are asked first.
    pub priority: Option<u32>,
}

/// A setting that can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// It would make everything of the cache count, signed or not.
    #[error("the setting `trusted` is not obeyed: packages count by their signatures alone")]
    Trusted,
    /// It says how to write, which the command line does here.
    #[error("the setting `{0}` is about writing, which the command line decides")]
    Writing(
        /// Its name.
        String,
    ),
    /// The value can't be.
    #[error("the setting `{name}` can't be `{value}`")]
    Value {
        /// Its name.
        name: String,
        /// As written, shortened.
        value: String,
    },
    /// Nobody knows it.
    #[error("the setting `{0}` is not known")]
    Unknown(
        /// Its name, shortened.
        String,
    ),
}

impl SettingError {
    /// What to do instead.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Trusted => "name its key in `keys`, or say `allow-unsigned = true` for content-addressed packages",
            Self::Writing(_) => "leave it out, and say `--compression` or `--key` to `dumbc cache`",
            Self::Value { .. } | Self::Unknown(_) => "leave it out; `priority` decides the order",
        }
    }
}

impl StoreSettings {
    /// Takes a setting. What only tells Nix how to be quick says nothing here.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        let shown = |text: &str| text.chars().take(60).flat_map(char::escape_debug).collect::<String>();
        match name {
            "priority" => {
                let wrong = |_| SettingError::Value { name: shown(name), value: shown(value) };
                self.priority = Some(value.parse().map_err(wrong)?);
            }
            "want-mass-query" | "path-info-cache-size" | "parallel-compression" | "system-features" => {}
            "trusted" if matches!(value, "false" | "0") => {}
            "trusted" => return Err(SettingError::Trusted),
            "store" if value == crate::nix::STORE_DIR => {}
            "store" => return Err(SettingError::Value { name: shown(name), value: shown(value) }),
            "compression"
            | "compression-level"
            | "secret-key"
            | "secret-keys"
            | "write-nar-listing"
            | "index-debug-info"
            | "multipart-upload"
            | "buffer-size"
            | "narinfo-compression"
            | "ls-compression"
            | "log-compression"
            | "storage-class" => return Err(SettingError::Writing(name.to_owned())),
            _ => return Err(SettingError::Unknown(shown(name))),
        }
        Ok(())
    }
}
