//! What a check knows: the file that it is in, the names that other files declare, and where findings go.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::super::nearest::suggestion;
use super::super::project::{Entry, Project};
use super::super::source::{At, Findings, Source};
use super::super::template::TemplateError;
use super::super::{
    Channel, Diagnostic, Names as ChannelNames, Owner, Place, Request, RequestKind, Template, requests_named,
};

/// What the files declare. `None`: the file that declares it can't be read, so nothing is said of unknown names.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Channels, and whether it is a Debian one.
    pub(super) channels: Option<BTreeMap<String, bool>>,
    pub(super) default_channel: Option<String>,
    pub(super) users: Option<BTreeMap<String, Owner>>,
    pub(super) groups: Option<BTreeMap<String, u32>>,
    /// The system's packages.
    pub(super) requested: Option<Vec<Request>>,
    /// The image stands on another one, which may have accounts, too.
    pub(super) has_base: bool,
    /// `[boot] enable = false`: the image just runs its command.
    pub(super) boots_not: bool,
}

impl Names {
    pub(super) fn learn_channels(&mut self, channels: &BTreeMap<String, Channel>, default: Option<String>) {
        let is_debian = |channel: &Channel| matches!(channel.names, ChannelNames::Debian(_));
        self.channels = Some(channels.iter().map(|(name, channel)| (name.clone(), is_debian(channel))).collect());
        self.default_channel = default;
    }

    /// Whether packages, or the base image, may bring users and groups that no file declares.
    pub(super) fn may_bring_accounts(&self) -> bool {
        self.has_base || self.channels.iter().flat_map(BTreeMap::values).any(|is_debian| *is_debian)
    }

    /// Whether names of the channel, or of the default one, are Debian's.
    pub(super) fn is_debian(&self, channel: Option<&str>) -> bool {
        let name = channel.or(self.default_channel.as_deref());
        let known = name.zip(self.channels.as_ref()).and_then(|(name, channels)| channels.get(name));
        known.copied().unwrap_or(false)
    }
}

/// What all checks share.
pub(super) struct Base<'a> {
    pub(super) findings: &'a Findings,
    pub(super) project: &'a dyn Project,
}

impl Base<'_> {
    /// In the file `source`, with what is known by now.
    pub(super) fn scope<'s>(&'s self, source: &'s Source, names: &'s Names) -> Scope<'s> {
        Scope { source, findings: self.findings, project: self.project, names, in_home: false }
    }
}

/// Where a check is.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) source: &'a Source,
    pub(super) findings: &'a Findings,
    pub(super) project: &'a dyn Project,
    pub(super) names: &'a Names,
    /// In a home: its programs bring packages too, so that names nobody requests here are looked at where programs are known.
    pub(super) in_home: bool,
}

impl Scope<'_> {
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        self.source.place(span)
    }

    pub(super) fn error(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<Option<String>>) {
        let finding = Diagnostic::error(message, Some(self.place(span)));
        self.findings.push(Diagnostic { help: help.into(), ..finding });
    }

    pub(super) fn warn(&self, span: Range<usize>, message: impl Into<String>, help: impl Into<Option<String>>) {
        let finding = Diagnostic::warning(message, Some(self.place(span)));
        self.findings.push(Diagnostic { help: help.into(), ..finding });
    }

    /// Notes that `key` is checked, but that the image does not honour it.
    pub(super) fn inactive(&self, key: &'static str, span: Range<usize>, why: &str) {
        let message = format!("`{key}` is not part of the image: {why}");
        self.findings.inactive(key, Diagnostic::warning(message, Some(self.place(span))));
    }

    /// Notes that `key` is for a machine that boots, where this one doesn't.
    pub(super) fn needs_boot(&self, key: &'static str, span: Range<usize>) {
        if self.names.boots_not {
            self.inactive(key, span, "the image does not boot; remove `enable = false` of [boot]");
        }
    }

    /// A template whose packages are all among `requested`.
    pub(super) fn template(&self, text: &At<String>, requested: &[&Request]) -> Template {
        self.template_at(text, text.span(), requested)
    }

    /// The same for a text that stands at `whole`.
    pub(super) fn template_at(&self, text: &str, whole: Range<usize>, requested: &[&Request]) -> Template {
        let template = match Template::parse(text, Some(self.place(whole.clone()))) {
            Ok(template) => template,
            Err(TemplateError { span, reason }) => {
                let help = "write `${pkgs.NAME}`, or `$${pkgs.` for these very characters".to_owned();
                self.error(self.within(text, whole, span), reason, help);
                return Template::literal("");
            }
        };
        if self.names.requested.is_some() {
            for name in template.packages() {
                let span = text.find(&format!("${{pkgs.{name}}}")).map_or(0..text.len(), |at| at..at + name.len() + 8);
                self.package_name(name, self.within(text, whole.clone(), span), requested);
            }
        }
        template
    }

    fn package_name(&self, name: &str, span: Range<usize>, requested: &[&Request]) {
        match requests_named(name, requested, self.names.default_channel.as_deref()).as_slice() {
            [Request { kind: RequestKind::Name { channel, .. }, .. }] if self.names.is_debian(channel.as_deref()) => {
                let message = format!("`{name}` is a Debian package, which has no folder of its own");
                self.error(span, message, "write the path at which it stands, such as /usr/bin".to_owned());
            }
            [_] => {}
            [] if self.in_home => {}
            [first, second, ..] => self.error(
                span,
                format!("`${{pkgs.{name}}}` can be `{}` or `{}`", first.text, second.text),
                "name a channel before it, `channel#name`, or request one of them only".to_owned(),
            ),
            [] => {
                let known: BTreeSet<&str> = requested.iter().filter_map(|request| attribute(request)).collect();
                let near = suggestion(name, "requested package", known.iter().copied());
                let help = near.unwrap_or_else(|| format!("add \"{name}\" to `packages`"));
                self.error(span, format!("no package `{name}` is requested"), help);
            }
        }
    }

    /// Bytes `inner` of a string's value, as bytes of the file. The whole string where it is written with escapes.
    fn within(&self, text: &str, whole: Range<usize>, inner: Range<usize>) -> Range<usize> {
        let span = self.place(whole).clamped();
        match self.source.text[span.clone()].find(text) {
            Some(offset) => span.start + offset + inner.start..span.start + offset + inner.end,
            None => span,
        }
    }

    /// Reports what is wrong with a local path and says what stands there. `follow` a link at its end.
    pub(super) fn local_path(&self, path: &str, span: Range<usize>, follow: bool) -> Entry {
        let entry = self.project.look(path, follow);
        match &entry {
            Entry::Missing => {
                let help = if path.starts_with('/') {
                    "the path is looked up on the machine that builds".to_owned()
                } else {
                    "paths are relative to the folder of system.toml; build it first, or correct the path".to_owned()
                };
                self.error(span, format!("there is no `{path}`"), help);
            }
            Entry::Outside => self.error(
                span,
                format!("`{path}` leads out of the project"),
                "move it into the project, or write an absolute path".to_owned(),
            ),
            Entry::Special => self.error(
                span,
                format!("`{path}` is neither a file nor a folder"),
                "sockets, pipes and devices can't go into an image".to_owned(),
            ),
            Entry::Unreadable(why) => self.error(span, format!("can't look at `{path}`: {why}"), None),
            Entry::Unknown | Entry::File { .. } | Entry::Directory | Entry::Link => {}
        }
        entry
    }
}

fn attribute(request: &Request) -> Option<&str> {
    match &request.kind {
        RequestKind::Name { attribute, .. } => Some(attribute),
        RequestKind::StorePath(_) | RequestKind::Local(_) => None,
    }
}
