//! Names of a NixOS release where its list of packages is not: in a running machine, which knows the evaluation that its image pins.
//!
//! Hydra is asked for the job of each name. It tells no `meta`, so that names are exact, and a plain one means what nixpkgs installs
//! where a package says nothing else.

use crate::config::{Diagnostic, Machine, Names, Outputs, System};
use crate::nix::{StorePath, split_version};
use crate::progress::Progress;

use super::answers::{by_name, explain};
use super::error::Error;
use super::hydra::{self, Evaluation, NoBuild};
use super::index::{LookupError, Package};
use super::lock::LockedRequest;
use super::name::{Attribute, version_matches};
use super::sources::Sources;

/// The jobs of a channel's release.
pub(super) struct Jobs<'a> {
    channel: &'a str,
    release: &'a str,
    evaluation: Evaluation,
}

/// What one asks, and whom one tells.
type World<'a> = (&'a dyn Sources, &'a dyn Progress);

impl<'a> Jobs<'a> {
    /// Those of `channel`, if it is known by them.
    pub(super) fn of(machine: &'a Machine, channel: &'a str) -> Option<Self> {
        let Names::Jobs { release, evaluation } = &machine.channels.get(channel)?.names else { return None };
        Some(Self { channel, release, evaluation: Evaluation::of(release, *evaluation) })
    }

    /// The answer to a request, or why there is none.
    pub(super) fn answer(
        &self,
        attribute: &Attribute,
        (version, outputs): (Option<&str>, &Outputs),
        system: System,
        (sources, progress): World<'_>,
    ) -> Result<Result<LockedRequest, Diagnostic>, Error> {
        let mut first = None;
        for candidate in candidates(attribute, version) {
            let built = match sources.built(self.evaluation, &candidate, system, progress)? {
                Ok(built) => package(built),
                Err(reason) => {
                    first.get_or_insert_with(|| self.unbuilt(&reason, attribute, system));
                    continue;
                }
            };
            let fits = |wanted| built.version.as_deref().is_some_and(|version| version_matches(version, wanted));
            if version.is_none_or(fits) {
                let chosen = built.choose(outputs).map(|chosen| by_name(self.channel, &built, chosen));
                return Ok(chosen.map_err(|error| explain(&error, self.channel, &candidate, version, system)));
            }
            let versions = built.version.into_iter().collect();
            let error = LookupError::OtherVersion { versions, attributes: Vec::new() };
            first = Some(explain(&error, self.release, attribute, version, system).help(
                "versions of other releases are found where the image is built: add the package to the project's files there",
            ));
        }
        Ok(Err(first.unwrap_or_else(|| self.unbuilt(&NoBuild::NoJob, attribute, system))))
    }

    fn unbuilt(&self, reason: &NoBuild, attribute: &Attribute, system: System) -> Diagnostic {
        let (message, help) = match reason {
            NoBuild::NoJob => (
                format!("{} has no package `{attribute}` for {system}", self.release),
                "in a machine names are those of nixpkgs, exactly: `dumbc search` finds them where the image is built; what is no \
                 free software is in no public cache",
            ),
            NoBuild::Unfinished => {
                (format!("`{attribute}` of {} is still being built for {system}", self.release), "try again later")
            }
            NoBuild::Failed => {
                (format!("`{attribute}` of {} failed to build for {system}", self.release), "ask for another package")
            }
        };
        Diagnostic::error(message, None).help(help)
    }
}

/// Attributes that a version of a package may have: `python3@3.12` is `python3` itself, `python312` or `python_3_12`.
fn candidates(attribute: &Attribute, version: Option<&str>) -> Vec<Attribute> {
    let name = attribute.to_string();
    let stem = name.trim_end_matches(|end: char| end.is_ascii_digit() || end == '_');
    let mut all = vec![attribute.clone()];
    if let Some(version) = version.filter(|version| !stem.is_empty() && !version.is_empty()) {
        let spelled = [version.replace('.', ""), format!("_{}", version.replace('.', "_"))];
        all.extend(spelled.iter().map(|version| Attribute::parse(&format!("{stem}{version}"))));
        all.dedup();
    }
    all
}

/// What Hydra tells of a package: name and version as its outputs are called.
fn package(outputs: hydra::Outputs) -> Package {
    let first = |names: &[&str]| names.iter().find(|name| outputs.contains_key(**name)).map(|name| (*name).to_owned());
    let main = first(&["bin", "out"]).or_else(|| outputs.keys().next().cloned()).unwrap_or_default();
    let path = outputs.get(&main).map(StorePath::name).unwrap_or_default();
    let (name, version) = split_version(path.strip_suffix(&format!("-{main}")).unwrap_or(path));
    let name = (name.to_owned(), version.map(str::to_owned));
    let to_install = std::iter::once(main.clone()).chain(first(&["man"])).collect();
    Package::of(name, outputs.into_iter().map(|(name, path)| (name, path.to_string())).collect(), to_install)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::answers::answer;
    use super::super::test_support::{World, channel, machine, path, request};
    use super::*;
    use crate::progress::Silent;

    /// What a machine answers that knows these builds: output and store path, or all that is said.
    fn asked(text: &str, built: &[(&str, &[&str])]) -> Result<Vec<(String, String)>, String> {
        let names = Names::Jobs { release: "nixos-26.05.1.0123456789ab".to_owned(), evaluation: 7 };
        let machine = Machine { channels: BTreeMap::from([("ours".to_owned(), channel(names, &[]))]), ..machine(&[]) };
        let output = |name: &&str| match name.rsplit_once('^') {
            Some((name, output)) => (output.to_owned(), path(&format!("{name}-{output}"))),
            None => ("out".to_owned(), path(name)),
        };
        let built = built.iter().map(|(name, outputs)| ((*name).to_owned(), outputs.iter().map(output).collect()));
        let world = World::of_builds(built.collect());
        let answered = answer(&machine, &[request(text)], System::X86_64Linux, &world, &Silent);
        let told = |error: &Error| error.diagnostics().iter().map(|found| found.message.clone()).collect::<String>();
        let answered = answered.map_err(|error| told(&error))?.remove(&(System::X86_64Linux, text.to_owned()));
        let answered = answered.ok_or("nobody answered")?;
        Ok(answered.outputs.into_iter().map(|(name, path)| (name, path.name().to_owned())).collect())
    }

    fn chosen(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect()
    }

    const JQ: (&str, &[&str]) = ("jq", &["jq-1.8.2^bin", "jq-1.8.2^man", "jq-1.8.2", "jq-1.8.2^dev"]);

    #[test]
    fn plain_names_mean_what_nixpkgs_installs() {
        assert_eq!(asked("jq", &[JQ]).unwrap(), chosen(&[("bin", "jq-1.8.2-bin"), ("man", "jq-1.8.2-man")]));
        assert_eq!(asked("jq^out,dev", &[JQ]).unwrap(), chosen(&[("out", "jq-1.8.2"), ("dev", "jq-1.8.2-dev")]));
        assert_eq!(asked("fd", &[("fd", &["fd-10.1"])]).unwrap(), chosen(&[("out", "fd-10.1")]));
        assert_eq!(asked("odd", &[("odd", &["odd-1^lib"])]).unwrap(), chosen(&[("lib", "odd-1-lib")]));
        let refused = asked("jq^doc", &[JQ]).unwrap_err();
        assert_eq!(refused, "`jq` in ours has no output `doc`");
    }

    #[test]
    fn a_version_is_looked_for_under_the_names_that_it_may_have() {
        let pythons: [(&str, &[&str]); 3] =
            [("python3", &["python3-3.13.1"]), ("python312", &["python3-3.12.9"]), ("nodejs_20", &["nodejs-20.1.0"])];
        assert_eq!(asked("python3@3.12", &pythons).unwrap(), chosen(&[("out", "python3-3.12.9")]));
        assert_eq!(asked("python3@3.13", &pythons).unwrap(), chosen(&[("out", "python3-3.13.1")]));
        assert_eq!(asked("nodejs@20", &pythons).unwrap(), chosen(&[("out", "nodejs-20.1.0")]));
        let refused = asked("python3@3.9", &pythons).unwrap_err();
        assert_eq!(refused, "no version 3.9 of `python3` in nixos-26.05.1.0123456789ab: there is 3.13.1");
    }

    #[test]
    fn what_nobody_built_is_told_of() {
        let refused = asked("nothing", &[JQ]).unwrap_err();
        assert_eq!(refused, "nixos-26.05.1.0123456789ab has no package `nothing` for x86_64-linux");
    }
}
