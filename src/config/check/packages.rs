//! Lists of packages.

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::nearest::suggestion;
use super::super::project::Entry;
use super::super::source::At;
use super::super::{Diagnostic, Home, Request, RequestKind};
use super::debian;
use super::scope::Scope;

/// Moves requests for Debian's packages from homes to the system's `packages`, and says so: such a package has its place in
/// the root, which all share.
pub(super) fn take_to_system<'homes>(
    scope: &Scope<'_>,
    packages: &mut Vec<Request>,
    homes: impl Iterator<Item = &'homes mut Home>,
) {
    let is_debian = |request: &Request| match &request.kind {
        RequestKind::Name { channel, .. } => scope.names.is_debian(channel.as_deref()),
        RequestKind::StorePath(_) | RequestKind::Local(_) => false,
    };
    for home in homes {
        let (debian, own): (Vec<_>, Vec<_>) = std::mem::take(&mut home.packages).into_iter().partition(is_debian);
        home.packages = own;
        for request in debian {
            if packages.iter().all(|known| identity(scope, known) != identity(scope, &request)) {
                let message = format!("`{}` goes to the whole machine, as Debian's packages do", request.text);
                let finding = Diagnostic::note(message, request.place.clone());
                scope.findings.push(finding.help("write it in `packages` of system.toml, and this note is gone"));
                packages.push(request);
            }
        }
    }
}

/// The requests of a list, without those that are malformed.
pub(super) fn check(scope: &Scope<'_>, list: &[At<String>]) -> Vec<Request> {
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
        check_request(scope, &request, text.span());
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

fn check_request(scope: &Scope<'_>, request: &Request, span: Range<usize>) {
    match &request.kind {
        RequestKind::Name { channel, attribute, outputs, .. } => {
            if scope.names.is_debian(channel.as_deref()) {
                debian::check_request(scope, attribute, outputs, span.clone());
            }
            check_channel(scope, channel.as_deref(), span);
        }
        RequestKind::Local(path) => {
            if scope.local_path(path, span.clone(), true) == Entry::Directory && matches!(path.as_str(), "." | "./") {
                let help = "name a folder below it, such as ./dist".to_owned();
                scope.error(span, "the whole project can't be a package", help);
            }
        }
        RequestKind::StorePath(_) => {}
    }
}

fn check_channel(scope: &Scope<'_>, named: Option<&str>, span: Range<usize>) {
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
        Some(_) => {}
    }
}
