//! system.toml.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::source::At;
use super::{Daemon, Entrypoint, ModeValue, OwnerValue, PersistValue, SbomValue, WordsValue};

/// What the machine holds and runs.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "system.toml")]
pub(in super::super) struct SystemFile {
    /// The channel that plain package names come from; `debian#git` names another one. By default the only channel that
    /// has names.
    #[schemars(example = &"nixpkgs")]
    pub(in super::super) channel: Option<At<String>>,

    /// The system's packages: names (`git`, `unstable#neovim`, `python3@3.12`, `openssl^bin,dev`), store paths, or paths
    /// of the project (`./dist`). Stands above the first table.
    #[serde(default)]
    #[schemars(example = ["bash", "coreutils", "python3@3.12", "openssl^bin,dev", "./dist"])]
    pub(in super::super) packages: Vec<At<String>>,

    /// Sources of names, with the caches and keys that go with them.
    #[serde(default)]
    pub(in super::super) channels: BTreeMap<At<String>, Channel>,

    /// The image's name and what its configuration says.
    #[schemars(required)]
    pub(in super::super) image: Option<Image>,

    /// What the machine calls itself.
    pub(in super::super) machine: Option<MachineTable>,

    /// What the image runs. Absent: the machine runs until it is told to stop.
    pub(in super::super) entrypoint: Option<At<Entrypoint>>,

    /// What runs beside the entrypoint.
    #[serde(default)]
    pub(in super::super) daemons: BTreeMap<At<String>, Daemon>,

    /// Files and trees, by their target in the image.
    #[serde(default)]
    pub(in super::super) files: BTreeMap<At<String>, FileTable>,

    /// Groups beside those of the users: name = gid.
    #[serde(default)]
    #[schemars(example = BTreeMap::from([("build", 2000)]))]
    pub(in super::super) groups: BTreeMap<At<String>, At<u32>>,

    /// What outlives the machine.
    pub(in super::super) persist: Option<Persist>,

    /// Nix inside the machine: with this table the image holds Nix's database.
    pub(in super::super) nix: Option<Nix>,

    /// Whether the image boots into a small computer, or just runs its command.
    pub(in super::super) boot: Option<Boot>,

    /// How the machine's output looks, and whether it is kept.
    pub(in super::super) logs: Option<At<Logs>>,
}

/// A source of names: an index of one's own (`index`), a NixOS release (`release`) or a Debian archive (`suite`). With
/// none of them, caches and keys for store paths.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct Channel {
    /// A NixOS channel (`nixos-26.05`, `nixos-unstable`, `nixpkgs-unstable`, `nixos-26.05-small`) or an exact release of one; it
    /// brings its cache and key.
    #[schemars(example = &"nixos-26.05")]
    pub(in super::super) release: Option<At<String>>,

    /// The release of that channel that was made of this commit of nixpkgs: 7 to 40 hexadecimal digits.
    #[schemars(example = &"0123456789abcdef")]
    pub(in super::super) rev: Option<At<String>>,

    /// An index of package names: a URL, or a path relative to the project. Lines as `nix-eval-jobs` prints them.
    #[schemars(example = &"https://cache.example.org/index.jsonl")]
    pub(in super::super) index: Option<At<String>>,

    /// The index's SHA-256, which must hold; required where the index comes over plain http.
    #[schemars(example = &"sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s")]
    pub(in super::super) index_hash: Option<At<String>>,

    /// A suite of a Debian archive, or several. With `mirror = "host"` its `-updates` and `-security` come along; what a
    /// package is taken from is the newest version in all of them.
    #[schemars(example = &"bookworm", example = &["bookworm", "bookworm-updates", "bookworm-security"])]
    pub(in super::super) suite: Option<At<WordsValue>>,

    /// The Debian archive's components.
    #[schemars(extend("default" = ["main"]))]
    pub(in super::super) components: Option<Vec<At<String>>>,

    /// Where the Debian archive is: `host` (what this machine's apt says), or the folder that holds `dists` and `pool`, as a
    /// URL or a path; several where suites lie in several.
    #[schemars(extend("default" = "host"), example = &"https://mirror.example.org/debian")]
    pub(in super::super) mirror: Option<At<WordsValue>>,

    /// In place of `mirror`: an archive as it was on some day. Its indices don't expire and its packages stay.
    #[schemars(example = &"https://snapshot.example.org/archive/debian/20261101T000000Z")]
    pub(in super::super) snapshot: Option<At<WordsValue>>,

    /// A file with the OpenPGP keys that sign the Debian archive. By default those that apt trusts.
    #[schemars(example = &"/usr/share/keyrings/debian-archive-keyring.gpg")]
    pub(in super::super) keyring: Option<At<String>>,

    /// Take what Debian packages recommend, beside what they depend on.
    #[schemars(extend("default" = false))]
    pub(in super::super) recommends: Option<At<bool>>,

    /// Binary caches, in the order in which they are asked: `https://…`, `file://…`, `s3://…`, `gs://…`,
    /// `azblob://…`, or a path relative to the project.
    #[serde(default)]
    #[schemars(example = ["https://cache.example.org", "../cache"])]
    pub(in super::super) caches: Vec<At<String>>,

    /// Public keys whose signatures count for this channel's packages: `name:base64`.
    #[serde(default)]
    pub(in super::super) keys: Vec<At<String>>,

    /// Take content-addressed paths of this channel without a signature.
    #[schemars(extend("default" = false))]
    pub(in super::super) allow_unsigned: Option<At<bool>>,
}

/// The image's name and what its configuration says.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct Image {
    /// The image's name, and the Fly app's.
    #[schemars(required, example = &"lazycoder")]
    pub(in super::super) name: Option<At<String>>,

    /// The image's tag.
    #[schemars(extend("default" = "latest"))]
    pub(in super::super) tag: Option<At<String>>,

    /// For which systems there is an image, whatever the building host.
    #[schemars(extend("default" = ["x86_64-linux"]))]
    pub(in super::super) systems: Option<At<Vec<At<SystemName>>>>,

    /// The most layers that the image may have, those for generated files included. Docker's limit is 125.
    #[schemars(extend("default" = 100, "minimum" = super::super::check::FEWEST_LAYERS, "maximum" = super::super::check::MOST_LAYERS))]
    pub(in super::super) layers: Option<At<u32>>,

    /// The image that this one stands on: a reference (`debian:12-slim`), or the path of an archive or an OCI layout. Its digest is
    /// pinned in dumbc.lock; `dumbc update base` moves it.
    #[schemars(example = &"registry.example.org/team/base:1", example = &"./base.tar.gz")]
    pub(in super::super) from: Option<At<String>>,

    /// Where the image is pushed to.
    #[schemars(example = &"registry.fly.io")]
    pub(in super::super) registry: Option<At<String>>,

    /// Environment variables of everything in the image. `${pkgs.NAME}` is a package's store path.
    #[serde(default)]
    #[schemars(example = BTreeMap::from([("EDITOR", "vim")]))]
    pub(in super::super) env: BTreeMap<At<String>, At<String>>,

    /// Labels of the image.
    #[serde(default)]
    #[schemars(example = BTreeMap::from([("org.opencontainers.image.source", "https://example.org/lazycoder")]))]
    pub(in super::super) labels: BTreeMap<At<String>, At<String>>,

    /// How a file in the image tells what it is made of, for scanners: "spdx" or "cyclonedx", below /usr/share/sbom. `false`: no
    /// such file.
    #[schemars(extend("default" = "spdx"))]
    pub(in super::super) sbom: Option<At<SbomValue>>,
}

/// A machine type and kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(in super::super) enum SystemName {
    #[serde(rename = "x86_64-linux")]
    X86_64Linux,
    #[serde(rename = "aarch64-linux")]
    Aarch64Linux,
}

/// What the machine calls itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct MachineTable {
    /// The host's name. By default the image's name.
    #[schemars(example = &"lazycoder")]
    pub(in super::super) hostname: Option<At<String>>,

    /// The time zone, as tzdata names it.
    #[schemars(extend("default" = "UTC"), example = &"Europe/Berlin")]
    pub(in super::super) timezone: Option<At<String>>,

    /// The locale: `LANG` in the image.
    #[schemars(extend("default" = "C.UTF-8"))]
    pub(in super::super) locale: Option<At<String>>,

    /// Where commands are looked for, first to last. `/etc/profiles/system/bin` holds the commands of Nix packages: put it
    /// before `/usr/bin`, and they shadow Debian's.
    #[schemars(extend("default" = super::super::check::DEFAULT_PATH))]
    pub(in super::super) path: Option<At<Vec<At<String>>>>,
}

/// A file or tree at a target of its own. It has either `text` or `source`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct FileTable {
    /// The file's text. `${pkgs.NAME}` is a package's store path, `$${pkgs.NAME}` those very characters.
    pub(in super::super) text: Option<At<String>>,

    /// A file, link or folder: a path of the project (`./site`), or an absolute one.
    #[schemars(example = &"./site")]
    pub(in super::super) source: Option<At<String>>,

    /// Permission bits of the files: `"0644"` or `0o644`. By default 0644, or 0755 for what is executable in the source.
    #[schemars(example = &"0644")]
    pub(in super::super) mode: Option<At<ModeValue>>,

    /// To whom it belongs: `root`, a declared user, one of a Debian package's, `user:group`, or a number.
    #[schemars(extend("default" = "root"))]
    pub(in super::super) owner: Option<At<OwnerValue>>,

    /// Globs, relative to the source, of what stays out.
    #[serde(default)]
    #[schemars(example = ["*.map"])]
    pub(in super::super) exclude: Vec<At<String>>,
}

/// What outlives the machine.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct Persist {
    /// Where the volume is mounted.
    #[schemars(extend("default" = "/data"))]
    pub(in super::super) volume: Option<At<String>>,

    /// Paths kept on the volume: a path, or a table with `path`, `owner` and `mode`.
    #[serde(default)]
    pub(in super::super) paths: Vec<At<PersistValue>>,

    /// The most that users' own packages may take on the volume.
    #[schemars(example = &"4GiB")]
    pub(in super::super) store_limit: Option<At<String>>,
}

/// A path kept on the volume.
#[derive(Debug, Default, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct PersistTable {
    /// Absolute.
    #[schemars(required, example = &"/var/lib/app")]
    pub(in super::super) path: Option<At<String>>,

    /// To whom it belongs: `root`, a declared user, one of a Debian package's, `user:group`, or a number.
    #[schemars(extend("default" = "root"))]
    pub(in super::super) owner: Option<At<OwnerValue>>,

    /// Permission bits.
    #[schemars(extend("default" = "0755"))]
    pub(in super::super) mode: Option<At<ModeValue>>,
}

/// Nix inside the machine.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct Nix {
    /// Run nix-daemon.
    #[schemars(extend("default" = false))]
    pub(in super::super) daemon: Option<At<bool>>,
}

/// Whether the image boots.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct Boot {
    /// `true`: homes, daemons and users' own packages. `false`: the entrypoint's command is the image's command, and no
    /// runtime, homes or Nix database go in.
    #[schemars(extend("default" = true))]
    pub(in super::super) enable: Option<At<bool>>,

    /// Users may rebuild their homes in the running machine.
    #[schemars(extend("default" = true))]
    pub(in super::super) user_rebuild: Option<At<bool>>,
}

/// How the machine's output looks.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in super::super) struct Logs {
    /// What each line looks like.
    #[schemars(extend("default" = "text"))]
    pub(in super::super) format: Option<At<LogFormat>>,

    /// Keep the output on the volume.
    #[schemars(extend("default" = false))]
    pub(in super::super) persist: Option<At<bool>>,
}

/// What a line of the log looks like.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum LogFormat {
    Text,
    Json,
}
