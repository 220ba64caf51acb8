//! `packages` of a TOML file, changed as the user would: comments and order stay.

mod list;
#[cfg(test)]
mod tests;

use std::str::FromStr as _;

use toml_edit::{Array, DocumentMut, Value};

use super::{ParseRequestError, Request, RequestKind, nearest};
use list::{array, existing, make_top, push, take_out};

/// A list of packages in one of the files.
#[derive(Debug, Clone, Copy)]
pub struct PackageList<'a> {
    /// The tables above `packages`: none, or in users.toml `alice`, `home`.
    pub tables: &'a [&'a str],
    /// The channel of names that name none, where it is known: `nixpkgs#git` is `git` then.
    pub default_channel: Option<&'a str>,
}

impl PackageList<'_> {
    /// `packages` at the top of a file.
    pub const TOP: Self = Self { tables: &[], default_channel: None };
}

/// What an edit did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edited {
    /// The file's new text.
    pub text: String,
    /// Requests that are new.
    pub added: Vec<String>,
    /// Requests that took the place of another one for the same package: the old one and the new one.
    pub replaced: Vec<(String, String)>,
    /// Requests that are gone.
    pub removed: Vec<String>,
    /// What was to be removed and is not there, each with what may have been meant.
    pub missing: Vec<(String, Option<String>)>,
}

impl Edited {
    /// Whether the list is another one now.
    #[must_use]
    pub fn is_change(&self) -> bool {
        !(self.added.is_empty() && self.replaced.is_empty() && self.removed.is_empty())
    }
}

/// The list can't be edited.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// What was asked for is no request.
    #[error(transparent)]
    Request(#[from] ParseRequestError),
    /// The file is no TOML.
    #[error("{}", .0.to_string().trim_end())]
    Syntax(#[from] toml_edit::TomlError),
    /// What is there is not what such a file has.
    #[error("`{key}` is no {expected}")]
    Shape {
        /// With the tables above it.
        key: String,
        /// "list" or "table".
        expected: &'static str,
    },
}

/// Adds requests that are not there yet. One for a package that is there in another version, or with other outputs, takes its
/// place.
pub fn add(text: &str, list: PackageList<'_>, requests: &[String]) -> Result<Edited, EditError> {
    let mut document = DocumentMut::from_str(text)?;
    let mut edited = Edited::default();
    if list.tables.is_empty() {
        make_top(&mut document);
    }
    let packages = array(document.as_table_mut(), list.tables)?;
    for request in requests {
        let wanted = Request::parse(request, None)?;
        let known: Vec<Option<Request>> = parsed(packages).collect();
        let same = |known: &Option<Request>| known.as_ref().is_some_and(|known| list.is_same(known, &wanted));
        let rival = |known: &Option<Request>| known.as_ref().is_some_and(|known| list.is_rival(known, &wanted));
        if known.iter().any(same) {
            continue;
        }
        if let Some(value) = known.iter().position(rival).and_then(|index| packages.get_mut(index)) {
            edited.replaced.push((value.as_str().unwrap_or_default().to_owned(), request.clone()));
            let decor = value.decor().clone();
            *value = Value::from(request);
            *value.decor_mut() = decor;
        } else {
            push(packages, request);
            edited.added.push(request.clone());
        }
    }
    edited.text = if edited.is_change() { document.to_string() } else { text.to_owned() };
    Ok(edited)
}

/// Takes requests out, by their text or by the name in them.
pub fn remove(text: &str, list: PackageList<'_>, names: &[String]) -> Result<Edited, EditError> {
    let mut document = DocumentMut::from_str(text)?;
    let mut edited = Edited { text: text.to_owned(), ..Edited::default() };
    let mut nothing = Array::new();
    let packages = existing(document.as_table_mut(), list.tables)?.unwrap_or(&mut nothing);
    let known: Vec<String> = packages.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
    for name in names {
        let mut found = false;
        for index in (0..packages.len()).rev() {
            let Some(text) = packages.get(index).and_then(Value::as_str).map(str::to_owned) else { continue };
            if list.is_meant(&text, name) {
                take_out(packages, index);
                edited.removed.push(text);
                found = true;
            }
        }
        if !found && !edited.removed.iter().any(|text| list.is_meant(text, name)) {
            let near = nearest(name, known.iter().flat_map(|text| [text.as_str(), attribute(text)]));
            edited.missing.push((name.clone(), near.map(str::to_owned)));
        }
    }
    edited.removed.sort_by_key(|text| known.iter().position(|known| known == text));
    if edited.is_change() {
        edited.text = document.to_string();
    }
    Ok(edited)
}

impl PackageList<'_> {
    fn channel<'r>(&'r self, request: &'r Request) -> Option<&'r str> {
        match &request.kind {
            RequestKind::Name { channel, .. } => channel.as_deref().or(self.default_channel),
            RequestKind::StorePath(_) | RequestKind::Local(_) => None,
        }
    }

    /// Whether both ask for the same.
    fn is_same(&self, one: &Request, other: &Request) -> bool {
        let rest = |request: &Request| match &request.kind {
            RequestKind::Name { version, outputs, .. } => Some((version.clone(), outputs.clone())),
            _ => None,
        };
        one.text == other.text || self.is_rival(one, other) && rest(one) == rest(other)
    }

    /// Whether both name one package of one channel.
    fn is_rival(&self, one: &Request, other: &Request) -> bool {
        let name = |request: &Request| plain_attribute(request).map(|name| name.replace('"', ""));
        name(one).is_some() && name(one) == name(other) && self.channel(one) == self.channel(other)
    }

    /// Whether `name` means the request `text`: its text, its attribute, or that with its channel.
    fn is_meant(&self, text: &str, name: &str) -> bool {
        let (Ok(there), Ok(meant)) = (Request::parse(text, None), Request::parse(name, None)) else {
            return text == name;
        };
        let RequestKind::Name { channel, .. } = &meant.kind else { return text == name };
        let called = plain_attribute(&there) == Some(name);
        let in_channel =
            channel.is_some() && self.is_rival(&there, &meant) && name.rsplit('#').next() == plain_attribute(&meant);
        called || in_channel || self.is_same(&there, &meant)
    }
}

/// The requests of a list; `None` for what is none.
fn parsed(packages: &Array) -> impl Iterator<Item = Option<Request>> {
    packages.iter().map(|value| Request::parse(value.as_str()?, None).ok())
}

fn plain_attribute(request: &Request) -> Option<&str> {
    match &request.kind {
        RequestKind::Name { attribute, .. } => Some(attribute),
        RequestKind::StorePath(_) | RequestKind::Local(_) => None,
    }
}

/// `name` in `channel#name@version^out`.
fn attribute(request: &str) -> &str {
    let name = request.split_once('#').map_or(request, |(_, name)| name);
    name.split(['@', '^']).next().unwrap_or(name)
}
