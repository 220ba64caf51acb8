//! Lists of packages.

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::nearest::suggestion;
use super::super::project::Entry;
use super::super::source::At;
use super::super::{Request, RequestKind};
use super::scope::Scope;

/// Whose packages they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    System,
    Home,
}

/// The requests of a list, without those that are malformed.
pub(super) fn check(scope: &Scope<'_>, list: &[At<String>], of: Of) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    let mut seen = BTreeSet::new();
    for text in list {
        let request = match Request::parse(text, Some(scope.place(text.span()))) {
            Ok(request) => request,
            Err(error) => {
                let help = "a request is `name`, `channel#name@version^output,output`, a store path, or `./path`";
                scope.error(text.span(), error.to_string(), help.to_owned());
                continue;
            }
        };
        if !seen.insert(identity(scope, &request)) {
            let help = "remove one of them".to_owned();
            scope.warn(text.span(), format!("`{text}` is requested twice"), help);
            continue;
        }
        check_request(scope, &request, text.span(), of);
        requests.push(request);
    }
    requests
}

/// Equal for requests that ask the same.
fn identity(scope: &Scope<'_>, request: &Request) -> String {
    match &request.kind {
        RequestKind::Name { channel, attribute, version, outputs } => {
            let channel = channel.as_ref().or(scope.names.default_channel.as_ref());
            format!("{channel:?} {attribute:?} {version:?} {outputs:?}")
        }
        RequestKind::StorePath(_) | RequestKind::Local(_) => request.text.clone(),
    }
}

fn check_request(scope: &Scope<'_>, request: &Request, span: Range<usize>, of: Of) {
    match &request.kind {
        RequestKind::Name { channel, .. } => check_channel(scope, channel.as_deref(), span, of),
        RequestKind::Local(path) => {
            if scope.local_path(path, span.clone(), true) == Entry::Directory && matches!(path.as_str(), "." | "./") {
                let help = "name a folder below it, such as ./dist".to_owned();
                scope.error(span, "the whole project can't be a package", help);
            }
        }
        RequestKind::StorePath(_) => {}
    }
}

fn check_channel(scope: &Scope<'_>, named: Option<&str>, span: Range<usize>, of: Of) {
    let Some(channels) = &scope.names.channels else { return };
    let Some(name) = named.or(scope.names.default_channel.as_deref()) else {
        let help = if channels.is_empty() {
            "declare one: `[channels.NAME]` with `index`, `caches` and `keys`".to_owned()
        } else {
            "say at the top of system.toml where plain names come from: channel = \"NAME\"".to_owned()
        };
        scope.error(span, "no channel says where this name comes from", help);
        return;
    };
    match channels.get(name) {
        // That the default channel is not declared is said once, where it is named.
        None if named.is_none() => {}
        None => {
            let near = suggestion(name, "channel", channels.keys().map(String::as_str));
            let help = near.unwrap_or_else(|| format!("declare it: `[channels.{name}]`"));
            scope.error(span, format!("no channel `{name}` is declared"), help);
        }
        Some(true) if of == Of::Home => {
            let help = "move it to `packages` in system.toml".to_owned();
            scope.error(span, "a Debian package can't be installed into a home", help);
        }
        Some(_) => {}
    }
}
