//! Proxies, as the environment names them.

use ureq::Proxy;

/// The proxy for each scheme: `https_proxy`, `http_proxy`, else `all_proxy`; hosts in `no_proxy` go around it.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    plain: Option<Proxy>,
    secure: Option<Proxy>,
    exceptions: Vec<String>,
}

impl Proxies {
    /// Reads the environment.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// Reads variables; lower case wins over upper case. `HTTP_PROXY` in upper case is not read: a CGI server sets it
    /// from a request's header.
    #[must_use]
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let value = |names: &[&str]| names.iter().find_map(|name| variable(name)).filter(|text| !text.is_empty());
        let proxy = |names: &[&str]| {
            let text = value(names)?;
            Proxy::new(&text).inspect_err(|_| tracing::warn!("`{}` is no address of a proxy", names[0])).ok()
        };
        let exceptions = value(&["no_proxy", "NO_PROXY"]).unwrap_or_default();
        Self {
            plain: proxy(&["http_proxy", "all_proxy", "ALL_PROXY"]),
            secure: proxy(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            exceptions: exceptions.split(',').map(|host| host.trim().to_ascii_lowercase()).collect(),
        }
    }

    /// The proxy for requests of a scheme, whatever the host.
    #[must_use]
    pub(crate) fn for_scheme(&self, secure: bool) -> Option<Proxy> {
        if secure { self.secure.clone() } else { self.plain.clone() }
    }

    /// Whether `host` (with `port`) is reached without a proxy.
    #[must_use]
    pub fn bypass(&self, host: &str, port: u16) -> bool {
        self.exceptions.iter().filter(|exception| !exception.is_empty()).any(|exception| {
            let (name, wanted_port) = match exception.rsplit_once(':') {
                Some((name, digits)) if !name.contains(':') => (name, digits.parse::<u16>().ok()),
                _ => (exception.as_str(), None),
            };
            let name = name.trim_start_matches("*.").trim_start_matches('.');
            let below = host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
            name == "*" || (wanted_port.is_none_or(|wanted| wanted == port) && (host == name || below))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_have_their_own() {
        let proxies = Proxies::from_variables(|name| match name {
            "https_proxy" => Some("http://secure:3128".into()),
            "ALL_PROXY" => Some("http://any:3128".into()),
            "HTTP_PROXY" => Some("http://cgi:3128".into()),
            _ => None,
        });
        assert_eq!(proxies.for_scheme(true).expect("https").host(), "secure");
        assert_eq!(proxies.for_scheme(false).expect("http").host(), "any");
        assert!(Proxies::from_variables(|_| None).for_scheme(true).is_none());
    }

    #[test]
    fn exceptions_match_whole_labels() {
        let with = |list: &str| Proxies::from_variables(|name| (name == "no_proxy").then(|| list.to_owned()));
        let proxies = with("localhost, .corp.org,*.lab.org,one.org:8080");
        for (host, port, expected) in [
            ("localhost", 80, true),
            ("a.corp.org", 80, true),
            ("corp.org", 80, true),
            ("notcorp.org", 80, false),
            ("x.lab.org", 80, true),
            ("one.org", 8080, true),
            ("one.org", 80, false),
        ] {
            assert_eq!(proxies.bypass(host, port), expected, "{host}:{port}");
        }
        assert!(with("*").bypass("anything", 1));
        assert!(!with("").bypass("anything", 1));
    }
}
