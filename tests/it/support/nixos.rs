//! A stand-in for the services that names of nixpkgs come from: channels, releases, Hydra, and a binary cache.

use std::collections::BTreeMap;

use dumbc::nix::StorePath;
use serde_json::{Value, json};

use super::command::Dumbc;
use super::packages::Packages;
use super::project::Project;
use super::server::Server;

/// A release with packages, before it is served.
pub(crate) struct Nixos {
    /// The binary cache.
    pub(crate) packages: Packages,
    channel: &'static str,
    release: String,
    evaluation: u32,
    list: BTreeMap<String, Value>,
    builds: BTreeMap<String, Value>,
}

/// The services, running.
pub(crate) struct Running {
    pub(crate) services: Server,
    pub(crate) cache: Server,
    pub(crate) public_key: String,
}

impl Nixos {
    /// Release `number` of a channel: `nixos-26.05`, `nixos-26.05-small`, `nixos-unstable`, `nixpkgs-unstable`.
    pub(crate) fn new(channel: &'static str, number: u32) -> Self {
        let (family, series) = channel.split_once('-').unwrap();
        let series = if series.starts_with("unstable") { "26.11pre" } else { series.trim_end_matches("-small") };
        let dot = if series.ends_with("pre") { "" } else { "." };
        Self {
            packages: Packages::new("nixos-test-1"),
            channel,
            release: format!("{family}-{series}{dot}{number}.{number:012x}"),
            evaluation: 1_800_000 + number,
            list: BTreeMap::new(),
            builds: BTreeMap::new(),
        }
    }

    /// The folder of its releases, as hosts call it.
    pub(crate) fn series(&self) -> String {
        self.channel.strip_prefix("nixos-").map_or_else(|| "nixpkgs".to_owned(), |series| format!("nixos/{series}"))
    }

    pub(crate) fn release(&self) -> &str {
        &self.release
    }

    /// What it was made of: its name ends in the first digits.
    pub(crate) fn revision(&self) -> String {
        let digits = self.release.rsplit('.').next().unwrap();
        format!("{digits}{:028x}", self.evaluation)
    }

    /// A package with one output, built for `x86_64-linux`, that refers to others.
    pub(crate) fn built(mut self, attribute: &str, name: &str, references: &[&StorePath]) -> Self {
        let path = self.packages.add(name, references, name.as_bytes());
        self.job(attribute, &json!({ "out": { "path": path.to_string() } }));
        self.listed(attribute, name, &["out"], &json!({}))
    }

    /// A package that is in the binary cache already.
    pub(crate) fn at(mut self, attribute: &str, name: &str, path: &str) -> Self {
        self.job(attribute, &json!({ "out": { "path": path } }));
        self.listed(attribute, name, &["out"], &json!({}))
    }

    fn job(&mut self, attribute: &str, outputs: &Value) {
        let build = json!({ "id": self.builds.len(), "finished": 1, "buildstatus": 0, "system": "x86_64-linux", "buildoutputs": outputs });
        self.builds.insert(format!("{attribute}.x86_64-linux"), build);
    }

    /// A package that was built for `x86_64-linux`: each output holds a file.
    pub(crate) fn with(mut self, attribute: &str, name: &str, outputs: &[&str], meta: &Value) -> Self {
        let mut made = serde_json::Map::new();
        for output in outputs {
            let suffix = if *output == "out" { String::new() } else { format!("-{output}") };
            let path = self.packages.add(&format!("{name}{suffix}"), &[], format!("{name} {output}").as_bytes());
            made.insert((*output).to_owned(), json!({ "path": path.to_string() }));
        }
        self.job(attribute, &Value::Object(made));
        self.listed(attribute, name, outputs, meta)
    }

    /// A package that stands in the list alone: Hydra has no job of it.
    pub(crate) fn listed(mut self, attribute: &str, name: &str, outputs: &[&str], meta: &Value) -> Self {
        let (pname, version) = name.rsplit_once('-').unwrap_or((name, ""));
        let outputs: BTreeMap<_, _> = outputs.iter().map(|output| (*output, Value::Null)).collect();
        let entry = json!({ "name": name, "pname": pname, "version": version, "system": "x86_64-linux", "outputs": outputs, "meta": meta });
        self.list.insert(attribute.to_owned(), entry);
        self
    }

    /// Serves all of it.
    pub(crate) fn start(self) -> Running {
        let public_key = self.packages.public_key().to_string();
        let cache = self.packages.serve();
        Running { services: self.serve(Server::start()), cache, public_key }
    }

    /// Adds the release to a server that others may be on already; the channel leads to the one that was added last.
    pub(crate) fn serve(&self, server: Server) -> Server {
        let folder = format!("/releases/{}/{}", self.series(), self.release);
        let list = json!({ "version": "2", "packages": self.list }).to_string();
        let mut packed = Vec::new();
        brotli::BrotliCompress(&mut list.as_bytes(), &mut packed, &brotli::enc::BrotliEncoderParams::default())
            .unwrap();
        let prefix = if self.channel.starts_with("nixpkgs-") { "" } else { "nixpkgs." };
        let mut server = server
            .redirect(&format!("/channels/{}", self.channel), &folder)
            .file(&folder, "<html>a page for people</html>")
            .file(&format!("{folder}/git-revision"), self.revision())
            .file(&format!("{folder}/src-url"), format!("https://hydra.nixos.org/eval/{}\n", self.evaluation))
            .file(&format!("{folder}/packages.json.br"), packed)
            .header(&format!("{folder}/packages.json.br"), "content-encoding", "br");
        for (number, (job, build)) in self.builds.iter().enumerate() {
            let place = format!("/hydra/build/{}{number}", self.evaluation);
            // Hydra's jobs have no quotes.
            let job = job.replace('"', "");
            server = server
                .redirect(&format!("/hydra/eval/{}/job/{prefix}{job}", self.evaluation), &place)
                .file(&place, build.to_string())
                .header(&place, "content-type", "application/json");
        }
        server
    }
}

impl Running {
    /// Serves a document of a service besides.
    pub(crate) fn document(self, place: &str, kind: &str, content: &str) -> Self {
        let services = self.services.file(place, content).header(place, "content-type", kind);
        Self { services, ..self }
    }

    /// Lists folders of releases, as S3 does it: those of `series` behind `after`.
    pub(crate) fn listing(self, series: &str, after: &str, names: &[&str], more: bool) -> Self {
        let folders: Vec<_> = names.iter().map(|name| format!("<Prefix>{series}/{name}/</Prefix>")).collect();
        let folders = folders.concat();
        let page = format!("<Result><IsTruncated>{more}</IsTruncated>{folders}</Result>");
        let place = format!("/listing/?list-type=2&delimiter=/&prefix={series}/&start-after={after}");
        self.document(&place, "application/xml", &page)
    }

    /// A system.toml for these services.
    pub(crate) fn project(&self, release: &str, packages: &str) -> Project {
        let project = Project::new();
        let channel = format!("[channels.nixpkgs]\nrelease = {release}\nkeys = [\"{}\"]\n", self.public_key);
        project.file("system.toml", format!("packages = {packages}\n{channel}[image]\nname = \"it\"\n"));
        project
    }

    /// Has a command line ask these services, and no others.
    pub(crate) fn hosts(&self, command: Dumbc) -> Dumbc {
        command
            .env("DUMBC_NIXOS_CHANNELS", self.services.url("/channels"))
            .env("DUMBC_NIXOS_RELEASES", self.services.url("/releases"))
            .env("DUMBC_NIXOS_LISTING", self.services.url("/listing"))
            .env("DUMBC_HYDRA", self.services.url("/hydra"))
            .env("DUMBC_NIX_SEARCH", self.services.url("/search"))
            .env("DUMBC_NIXOS_CACHE", self.cache.url(""))
    }
}
