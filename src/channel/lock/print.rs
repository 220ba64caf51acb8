//! The lock's text. Own writing rather than a serialiser's: the layout must not move with a library's version.

use std::fmt::Write as _;

use super::{Lock, LockedArchive, LockedBase, LockedDeb, LockedPackage, LockedRelease, LockedRequest};
use crate::cache::NarSource;
use crate::config::System;
use crate::deb::PackageName;
use crate::nix::StorePath;

/// The version of the format that this program writes.
pub(super) const VERSION: i64 = 1;

/// Arrays longer than this get a line for each element.
const WIDTH: usize = 120;

const HEADER: &str = "\
# What this image is made of: `dumbc lock` extends it, `dumbc update` moves it. Not written by hand; commit it.
";

impl Lock {
    /// The lock's text: the same lock gives the same bytes.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = String::from(HEADER);
        line(&mut text, "version", &VERSION.to_string());
        for (name, channel) in &self.channels {
            table(&mut text, &format!("[channels.{}]", key(name)));
            optional(&mut text, "index-hash", channel.index_hash.map(|hash| hash.to_string()).as_deref());
            if let Some(archive) = &channel.archive {
                print_archive(&mut text, name, archive);
            }
            if let Some(release) = &channel.release {
                print_release(&mut text, name, release);
            }
        }
        self.base.iter().for_each(|base| print_base(&mut text, base));
        if !self.ids.is_empty() {
            table(&mut text, "[ids]");
            self.ids.iter().for_each(|(name, id)| line(&mut text, &key(name), &id.to_string()));
        }
        if !self.layers.is_empty() {
            table(&mut text, "[layers]");
            for (system, groups) in &self.layers {
                let groups: Vec<String> = groups.iter().map(|group| array(&quoted(group), "  ")).collect();
                line(&mut text, system.name(), &lines(&groups, ""));
            }
        }
        if let Some(volatility) = &self.volatility {
            table(&mut text, "[volatility]");
            line(&mut text, "commits", &volatility.commits.to_string());
            table(&mut text, "[volatility.weights]");
            volatility.weights.iter().for_each(|(name, weight)| line(&mut text, &key(name), &weight.to_string()));
        }
        for (system, runtime) in &self.runtimes {
            table(&mut text, &format!("[runtime.{}]", system.name()));
            line(&mut text, "path", &quote(runtime.path.base_name()));
            line(&mut text, "nar-hash", &quote(&runtime.nar_hash.to_string()));
            line(&mut text, "nar-size", &runtime.nar_size.to_string());
        }
        for (repository, digest) in &self.pushed {
            table(&mut text, &format!("[pushed.{}]", key(repository)));
            line(&mut text, "digest", &quote(&digest.oci()));
        }
        self.requests.iter().for_each(|((system, key), request)| print_request(&mut text, *system, key, request));
        self.packages.iter().for_each(|(path, package)| print_package(&mut text, path, package));
        self.debs.iter().for_each(|((system, name), deb)| print_deb(&mut text, *system, name, deb));
        text
    }
}

fn print_base(text: &mut String, base: &LockedBase) {
    table(text, "[base]");
    line(text, "reference", &quote(&base.reference));
    line(text, "digest", &quote(&base.digest.oci()));
    for (system, image) in &base.images {
        table(text, &format!("[base.systems.{}]", system.name()));
        optional(text, "manifest", image.manifest.map(|digest| digest.oci()).as_deref());
        line(text, "config", &quote(&image.config.oci()));
        let layers = image.layers.iter().map(|layer| {
            let (digest, diff_id) = (quote(&layer.digest.oci()), quote(&layer.diff_id.oci()));
            let (media_type, size) = (quote(&layer.media_type), layer.size);
            format!("{{ digest = {digest}, diff-id = {diff_id}, media-type = {media_type}, size = {size} }}")
        });
        line(text, "layers", &lines(&layers.collect::<Vec<_>>(), ""));
    }
}

fn print_request(text: &mut String, system: System, key: &str, request: &LockedRequest) {
    table(text, "[[request]]");
    line(text, "request", &quote(key));
    line(text, "system", &quote(system.name()));
    optional(text, "channel", request.channel.as_deref());
    line(text, "name", &quote(&request.name));
    optional(text, "version", request.version.as_deref());
    optional(text, "revision", request.origin.as_ref().map(|origin| origin.revision.as_str()));
    optional(text, "attribute", request.origin.as_ref().map(|origin| origin.attribute.as_str()));
    let output = |(name, path): &(String, StorePath)| {
        format!("{{ name = {}, path = {} }}", quote(name), quote(path.base_name()))
    };
    if let Some(name) = &request.deb {
        line(text, "deb", &quote(name.as_str()));
    } else {
        line(text, "outputs", &array(&request.outputs.iter().map(output).collect::<Vec<_>>(), ""));
    }
}

fn print_archive(text: &mut String, channel: &str, archive: &LockedArchive) {
    table(text, &format!("[channels.{}.archive]", key(channel)));
    line(text, "origin", &quote(&archive.origin));
    line(text, "codename", &quote(&archive.codename));
    optional(text, "version", archive.version.as_deref());
    table(text, &format!("[channels.{}.archive.indices]", key(channel)));
    // As the Release file has them, so that they can be found there.
    archive.indices.iter().for_each(|(index, hash)| line(text, &key(index), &quote(&hash.oci())));
}

fn print_release(text: &mut String, channel: &str, release: &LockedRelease) {
    table(text, &format!("[channels.{}.release]", key(channel)));
    line(text, "wanted", &quote(&release.wanted));
    line(text, "name", &quote(&release.name));
    line(text, "revision", &quote(&release.revision));
    line(text, "evaluation", &release.evaluation.to_string());
}

fn print_deb(text: &mut String, system: System, name: &PackageName, deb: &LockedDeb) {
    table(text, "[[deb]]");
    line(text, "name", &quote(name.as_str()));
    line(text, "system", &quote(system.name()));
    line(text, "version", &quote(&deb.version.to_string()));
    line(text, "architecture", &quote(&deb.architecture));
    line(text, "source", &quote(deb.source.as_str()));
    line(text, "file", &quote(&deb.file));
    line(text, "size", &deb.size.to_string());
    line(text, "sha256", &quote(&deb.sha256.oci()));
    line(text, "installed-size", &deb.installed_size.to_string());
    let depends: Vec<&str> = deb.depends.iter().map(PackageName::as_str).collect();
    line(text, "depends", &array(&quoted(&depends), ""));
    line(text, "suite", &quote(&deb.suite));
    line(text, "channel", &quote(&deb.channel));
}

fn print_package(text: &mut String, path: &StorePath, package: &LockedPackage) {
    table(text, "[[package]]");
    line(text, "path", &quote(path.base_name()));
    line(text, "nar-hash", &quote(&package.nar_hash.to_string()));
    line(text, "nar-size", &package.nar_size.to_string());
    let references: Vec<&str> = package.references.iter().map(StorePath::base_name).collect();
    line(text, "references", &array(&quoted(&references), ""));
    line(text, "signatures", &array(&quoted(&package.signatures), ""));
    optional(text, "content-address", package.content_address.as_deref());
    optional(text, "deriver", package.deriver.as_deref());
    optional(text, "channel", package.channel.as_deref());
    if let Some(source) = &package.source {
        line(text, "source", &print_source(source));
    }
}

fn print_source(source: &NarSource) -> String {
    let mut fields = vec![
        format!("cache = {}", quote(&source.cache)),
        format!("url = {}", quote(&source.url)),
        format!("compression = {}", quote(&source.compression)),
    ];
    fields.extend(source.file_hash.map(|hash| format!("file-hash = {}", quote(&hash.to_string()))));
    fields.extend(source.file_size.map(|size| format!("file-size = {size}")));
    format!("{{ {} }}", fields.join(", "))
}

fn table(text: &mut String, header: &str) {
    text.push('\n');
    text.push_str(header);
    text.push('\n');
}

fn line(text: &mut String, key: &str, value: &str) {
    text.extend([key, " = ", value, "\n"]);
}

fn optional(text: &mut String, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        line(text, key, &quote(value));
    }
}

/// An array of printed values: on one line where that is short.
fn array(values: &[String], indent: &str) -> String {
    let width: usize = values.iter().map(|value| value.len() + 2).sum();
    if values.len() <= 1 || width <= WIDTH { format!("[{}]", values.join(", ")) } else { lines(values, indent) }
}

/// An array of printed values, a line for each.
fn lines(values: &[String], indent: &str) -> String {
    if values.is_empty() {
        return "[]".to_owned();
    }
    let mut text = "[\n".to_owned();
    for value in values {
        text.extend([indent, "  ", value, ",\n"]);
    }
    text + indent + "]"
}

fn quoted(values: &[impl AsRef<str>]) -> Vec<String> {
    values.iter().map(|value| quote(value.as_ref())).collect()
}

/// A TOML key: bare where it may be.
fn key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !name.is_empty() && name.bytes().all(bare) { name.to_owned() } else { quote(name) }
}

/// A TOML basic string.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                write!(quoted, "\\u{:04X}", u32::from(control)).expect("writing to a string does not fail");
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}
