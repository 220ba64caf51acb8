//! A stand-in for the services that names of nixpkgs come from: channels, releases, Hydra, and a binary cache.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::command::Dumbc;
use super::packages::Packages;
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
    /// Release `number` of a channel.
    pub(crate) fn new(channel: &'static str, number: u32) -> Self {
        Self {
            packages: Packages::new("nixos-test-1"),
            channel,
            release: format!("{channel}.{number}.{number:012x}"),
            evaluation: 1_800_000 + number,
            list: BTreeMap::new(),
            builds: BTreeMap::new(),
        }
    }

    /// A package that was built for `x86_64-linux`: each output holds a file.
    pub(crate) fn with(mut self, attribute: &str, name: &str, outputs: &[&str], meta: &Value) -> Self {
        let mut made = serde_json::Map::new();
        for output in outputs {
            let suffix = if *output == "out" { String::new() } else { format!("-{output}") };
            let path = self.packages.add(&format!("{name}{suffix}"), &[], format!("{name} {output}").as_bytes());
            made.insert((*output).to_owned(), json!({ "path": path.to_string() }));
        }
        let build = json!({ "id": self.builds.len(), "finished": 1, "buildstatus": 0, "system": "x86_64-linux", "buildoutputs": made });
        self.builds.insert(format!("nixpkgs.{attribute}.x86_64-linux"), build);
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
        let series = self.channel.strip_prefix("nixos-").unwrap();
        let folder = format!("/releases/nixos/{series}/{}", self.release);
        let list = json!({ "version": "2", "packages": self.list }).to_string();
        let mut packed = Vec::new();
        brotli::BrotliCompress(&mut list.as_bytes(), &mut packed, &brotli::enc::BrotliEncoderParams::default())
            .unwrap();
        let revision = format!("{:040x}", self.evaluation);
        let mut server = server
            .redirect(&format!("/channels/{}", self.channel), &folder)
            .file(&folder, "<html>a page for people</html>")
            .file(&format!("{folder}/git-revision"), revision)
            .file(&format!("{folder}/src-url"), format!("https://hydra.nixos.org/eval/{}\n", self.evaluation))
            .file(&format!("{folder}/packages.json.br"), packed)
            .header(&format!("{folder}/packages.json.br"), "content-encoding", "br");
        for (number, (job, build)) in self.builds.iter().enumerate() {
            let place = format!("/hydra/build/{}{number}", self.evaluation);
            // Hydra's jobs have no quotes.
            let job = job.replace('"', "");
            server = server
                .redirect(&format!("/hydra/eval/{}/job/{job}", self.evaluation), &place)
                .file(&place, build.to_string())
                .header(&place, "content-type", "application/json");
        }
        server
    }
}

impl Running {
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
