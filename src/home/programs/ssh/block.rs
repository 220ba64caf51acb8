//! A block of ssh's configuration.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::findings::{Findings, one_line};
use super::super::options::{OneOrMany, Scalar};

/// Home Manager's options of a block, with `after` and `before` for its place.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct TomlBlock {
    pub(super) after: Vec<String>,
    pub(super) before: Vec<String>,
    header: Option<String>,
    pub(super) host: Option<String>,
    r#match: Option<String>,
    port: Option<u16>,
    forward_agent: Option<bool>,
    forward_x11: bool,
    forward_x11_trusted: bool,
    identities_only: bool,
    user: Option<String>,
    hostname: Option<String>,
    address_family: Option<AddressFamily>,
    send_env: Vec<String>,
    set_env: BTreeMap<String, Scalar>,
    server_alive_interval: Option<u32>,
    server_alive_count_max: Option<u32>,
    compression: Option<bool>,
    #[serde(rename = "checkHostIP")]
    check_host_ip: Option<bool>,
    proxy_command: Option<String>,
    proxy_jump: Option<String>,
    add_keys_to_agent: Option<String>,
    hash_known_hosts: Option<bool>,
    user_known_hosts_file: Option<String>,
    control_master: Option<ControlMaster>,
    control_path: Option<String>,
    control_persist: Option<String>,
    kex_algorithms: Vec<String>,
    identity_file: Option<OneOrMany>,
    identity_agent: Option<OneOrMany>,
    certificate_file: Option<OneOrMany>,
    local_forwards: Vec<TomlForward>,
    remote_forwards: Vec<TomlForward>,
    dynamic_forwards: Vec<TomlBind>,
    extra_options: BTreeMap<String, TomlOption>,
}

/// An option by ssh's own name: a value, or a line for each of several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, a number, `true`, `false`, or a list of them")]
enum TomlOption {
    One(Scalar),
    Many(Vec<Scalar>),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AddressFamily {
    Any,
    Inet,
    Inet6,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ControlMaster {
    Yes,
    No,
    Ask,
    Auto,
    Autoask,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlForward {
    bind: TomlBind,
    #[serde(default)]
    host: TomlAim,
}

/// An end of a forwarding on which ssh listens: an address with a port, or a socket's path.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlBind {
    #[serde(default = "localhost")]
    address: String,
    port: Option<u16>,
}

/// The other end.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct TomlAim {
    address: Option<String>,
    port: Option<u16>,
}

fn localhost() -> String {
    "localhost".to_owned()
}

impl TomlBlock {
    /// The block's lines in Home Manager's order, joined. `path` leads to it.
    pub(super) fn text(&self, name: &str, path: &[&str], findings: &mut Findings) -> String {
        let mut lines = vec![self.head(name, path, findings)];
        let options = self.single().into_iter().chain(self.several());
        lines.extend(options.map(|(key, value)| format!("  {key} {value}")));
        lines.extend(self.forwards(path, findings).into_iter().map(|line| format!("  {line}")));
        for (key, values) in &self.extra_options {
            lines.extend(values.words().into_iter().map(|value| format!("  {key} {value}")));
        }
        if !lines.iter().all(|line| one_line(line)) {
            findings.error(path, "a value is one line", "take the line break out");
        }
        lines.join("\n")
    }

    fn head(&self, name: &str, path: &[&str], findings: &mut Findings) -> String {
        if self.host.is_some() && self.r#match.is_some() {
            findings.warning(path, "it has `host` and `match`, and `match` counts", "take one of them out");
        }
        match (&self.header, &self.r#match, &self.host) {
            (Some(header), _, _) => {
                if !header.starts_with("Host ") && !header.starts_with("Match ") {
                    findings.error(
                        path,
                        "`header` begins with `Host` or `Match`",
                        "write `header = \"Host example.org\"`",
                    );
                }
                header.clone()
            }
            (None, Some(condition), _) => format!("Match {condition}"),
            (None, None, Some(host)) => format!("Host {host}"),
            (None, None, None) => {
                if name.is_empty() {
                    findings.error(path, "it says of no host", "write its `host` or `match`");
                }
                format!("Host {name}")
            }
        }
    }

    /// Options with one value, as far as they are said.
    fn single(&self) -> Vec<(&'static str, String)> {
        let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
        let only = |value: bool| value.then(|| yes(true));
        let words = |words: &[String], between: &str| (!words.is_empty()).then(|| words.join(between));
        let options = [
            ("Port", self.port.map(|port| port.to_string())),
            ("ForwardAgent", self.forward_agent.map(yes)),
            ("ForwardX11", only(self.forward_x11)),
            ("ForwardX11Trusted", only(self.forward_x11_trusted)),
            ("IdentitiesOnly", only(self.identities_only)),
            ("User", self.user.clone()),
            ("HostName", self.hostname.clone()),
            ("AddressFamily", self.address_family.map(|family| family.word().to_owned())),
            ("SendEnv", words(&self.send_env, " ")),
            ("SetEnv", words(&self.environment(), " ")),
            ("ServerAliveInterval", self.server_alive_interval.map(|seconds| seconds.to_string())),
            ("ServerAliveCountMax", self.server_alive_count_max.map(|count| count.to_string())),
            ("Compression", self.compression.map(yes)),
            ("CheckHostIP", self.check_host_ip.filter(|check| !check).map(yes)),
            ("ProxyCommand", self.proxy_command.clone()),
            ("ProxyJump", self.proxy_jump.clone()),
            ("AddKeysToAgent", self.add_keys_to_agent.clone()),
            ("HashKnownHosts", self.hash_known_hosts.map(yes)),
            ("UserKnownHostsFile", self.user_known_hosts_file.clone()),
            ("ControlMaster", self.control_master.map(|master| master.word().to_owned())),
            ("ControlPath", self.control_path.clone()),
            ("ControlPersist", self.control_persist.clone()),
            ("KexAlgorithms", words(&self.kex_algorithms, ",")),
        ];
        options.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// Options with a line for each value.
    fn several(&self) -> Vec<(&'static str, String)> {
        let lists = [
            ("IdentityFile", &self.identity_file),
            ("IdentityAgent", &self.identity_agent),
            ("CertificateFile", &self.certificate_file),
        ];
        let values = |list: &Option<OneOrMany>| list.as_ref().map(|list| list.as_slice().to_vec()).unwrap_or_default();
        lists.iter().flat_map(|(key, list)| values(list).into_iter().map(|value| (*key, value))).collect()
    }

    fn environment(&self) -> Vec<String> {
        let quoted = |value: &Scalar| value.to_string().replace('\\', "\\\\").replace('"', "\\\"");
        self.set_env.iter().map(|(name, value)| format!("{name}=\"{}\"", quoted(value))).collect()
    }

    fn forwards(&self, path: &[&str], findings: &mut Findings) -> Vec<String> {
        let mut lines = Vec::new();
        for (key, forwards) in [("LocalForward", &self.local_forwards), ("RemoteForward", &self.remote_forwards)] {
            for TomlForward { bind, host } in forwards {
                let aim = host.address.as_deref().map(|address| end(address, host.port, path, findings));
                let aim = aim.map(|aim| format!(" {aim}")).unwrap_or_default();
                lines.push(format!("{key} {}{aim}", end(&bind.address, bind.port, path, findings)));
            }
        }
        for bind in &self.dynamic_forwards {
            lines.push(format!("DynamicForward {}", end(&bind.address, bind.port, path, findings)));
        }
        lines
    }
}

impl TomlOption {
    fn words(&self) -> Vec<String> {
        match self {
            Self::One(value) => vec![word(value)],
            Self::Many(values) => values.iter().map(word).collect(),
        }
    }
}

/// A value as ssh has it: truth is `yes` and `no`.
pub(super) fn word(value: &Scalar) -> String {
    match value {
        Scalar::Bool(true) => "yes".to_owned(),
        Scalar::Bool(false) => "no".to_owned(),
        value => value.to_string(),
    }
}

/// `[address]:port`, or a socket's path, which has no port.
fn end(address: &str, port: Option<u16>, path: &[&str], findings: &mut Findings) -> String {
    match (address.starts_with('/'), port) {
        (true, None) => address.to_owned(),
        (false, Some(port)) => format!("[{address}]:{port}"),
        (true, Some(_)) => {
            findings.error(path, "a forwarded path has no port", &format!("take the port of `{address}` out"));
            String::new()
        }
        (false, None) => {
            findings.error(path, "a forwarding needs its port", &format!("write the port of `{address}`"));
            String::new()
        }
    }
}

impl AddressFamily {
    const fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Inet => "inet",
            Self::Inet6 => "inet6",
        }
    }
}

impl ControlMaster {
    const fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Ask => "ask",
            Self::Auto => "auto",
            Self::Autoask => "autoask",
        }
    }
}
