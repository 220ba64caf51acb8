//! What to do about what a registry refuses.

use super::Error;
use crate::registry::is_fly_registry;

/// What the user can do about it.
pub(super) fn help(error: &Error) -> Option<String> {
    let help = match error {
        Error::Offline { .. } => "run without `--offline`".to_owned(),
        Error::CaFile { .. } => "`--ca-file` takes a file of certificates in PEM".to_owned(),
        Error::Unreachable { .. } => {
            "check the registry's name, the network, and `https_proxy` if there is a proxy".to_owned()
        }
        Error::Tls { .. } => "if the registry's certificate is signed by an authority of your own, name it with \
                             `--ca-file FILE`; `--insecure` takes any certificate"
            .to_owned(),
        Error::NotTls { .. } => {
            "where the way to it is trusted, `--insecure` speaks plain http with it".to_owned()
        }
        Error::OpenRealm { .. } => "nothing was sent; `--insecure` allows it".to_owned(),
        Error::Unauthorized { registry, shown, .. } => log_in(registry, *shown),
        Error::Denied { registry, repository, push, shown, .. } => denied(registry, repository, *push, *shown),
        Error::UnknownRepository { registry, repository, .. } => create(registry, repository),
        Error::RefusedSize { size, .. } => format!(
            "a proxy before the registry may limit bodies: let it take {size} bytes or more (nginx: `client_max_body_size 0;`), \
             or make smaller layers"
        ),
        Error::RateLimited { after, .. } => {
            let moment = after.map_or("later".to_owned(), |wait| format!("in {} s", wait.as_secs().max(1)));
            format!("try again {moment}; who is logged in may often ask for more")
        }
        Error::Quota { .. } => "delete images that nobody needs there, or get more room".to_owned(),
        Error::Garbled { .. } | Error::Digest { .. } => {
            "something on the way changes what is sent, or the registry's storage is damaged: try again, then tell who runs it"
                .to_owned()
        }
        Error::SourceChanged { .. } => {
            "what lies in the store was changed since it was made: remove the store's folder, and build again".to_owned()
        }
        Error::Missing { .. } => "check the name and tag".to_owned(),
        Error::Interrupted { .. } => "run it again: what is there already is not sent twice".to_owned(),
        Error::CredentialStore { .. }
        | Error::Host { .. }
        | Error::Redirect { .. }
        | Error::Challenge { .. }
        | Error::Source { .. }
        | Error::TooLarge { .. }
        | Error::Malformed { .. }
        | Error::Status { .. } => return None,
    };
    Some(help)
}

fn log_in(registry: &str, shown: bool) -> String {
    let login = if is_fly_registry(registry) {
        "run `fly auth login`, or set FLY_API_TOKEN".to_owned()
    } else {
        format!("run `docker login {registry}`, or give `--creds USER:PASSWORD`")
    };
    if shown { format!("they may have expired: {login}") } else { login }
}

fn denied(registry: &str, repository: &str, push: bool, shown: bool) -> String {
    if !shown {
        return log_in(registry, false);
    }
    match (is_fly_registry(registry), push) {
        (true, _) => format!(
            "check that the app `{repository}` is yours (`fly apps list`), or run `fly auth login`; \
             a token made for another app does not reach it"
        ),
        (_, true) => format!(
            "get the right to push to `{repository}`, or log in as somebody who has it: `docker login {registry}`"
        ),
        (_, false) => {
            format!("get the right to read `{repository}`, or log in as somebody who has it: `docker login {registry}`")
        }
    }
}

fn create(registry: &str, repository: &str) -> String {
    if is_fly_registry(registry) {
        return format!("run `fly apps create {repository}`");
    }
    format!("create the repository `{repository}` at {registry} first, or check its name")
}

#[cfg(test)]
mod tests {
    use super::super::Error;
    use crate::failure::{Class, Classified as _};
    use crate::registry::FLY_REGISTRY;

    #[test]
    fn fly_is_spoken_to_in_its_own_tools_words() {
        let (registry, repository, said) = (|| FLY_REGISTRY.to_owned(), || "my-app".to_owned(), || "no".to_owned());
        let unknown = Error::UnknownRepository { registry: registry(), repository: repository(), said: said() };
        assert_eq!(unknown.help().unwrap(), "run `fly apps create my-app`");
        let unauthorized =
            |shown| Error::Unauthorized { registry: registry(), repository: repository(), shown, said: said() };
        assert_eq!(unauthorized(false).help().unwrap(), "run `fly auth login`, or set FLY_API_TOKEN");
        assert_eq!(
            unauthorized(true).help().unwrap(),
            "they may have expired: run `fly auth login`, or set FLY_API_TOKEN"
        );
        let denied =
            Error::Denied { registry: registry(), repository: repository(), push: true, shown: true, said: said() };
        assert_eq!(denied.to_string(), "registry.fly.io does not let us push to `my-app`: no");
        assert!(denied.help().unwrap().contains("`fly apps list`"));
        assert_eq!(denied.class(), Class::Credentials);
    }
}
