//! Homes of the image: a generation for each declared user.

use std::collections::BTreeMap;

use crate::boot::{HomeBase, PLAN_VERSION, PlanAccount};
use crate::channel::{has_debian_default, home_requests};
use crate::config::{Request, RequestKind};
use crate::home::generation::{Generation, Inputs as HomeInputs, Source, generate};
use crate::home::merge::{Layer, Merged, layers, merge};
use crate::nix::StorePath;
use crate::root::boot::{command_folders, plan_account};
use crate::root::view::{ReadContent, View};

use super::Error;
use super::boot::{Home, Homes};
use super::generated::{Inputs, Standing};

impl Inputs<'_> {
    /// The homes of all users, over what stands.
    pub(super) fn homes(&self, standing: &Standing<'_>, read: &ReadContent<'_>) -> Result<Homes, Error> {
        let answers = self.answers(standing);
        let mut homes = Homes::new();
        for name in self.machine.users.keys() {
            let Some(account) = standing.accounts.by_name(name) else { continue };
            let layers = layers(self.machine, name);
            let merged = merge(&layers);
            let generation = standing.with_view(|view| {
                let account = plan_account(account, standing.accounts);
                let home = HomeOf { account, merged: &merged, answers: &answers, view, read };
                self.generation(standing, &home)
            })?;
            for warning in &generation.warnings {
                self.progress.warn(&warning.message);
            }
            for note in &generation.notes {
                self.progress.note(&format!("{name}: {note}"));
            }
            let base = base(&layers, &answers, standing);
            let Generation { generation, home_path, .. } = generation;
            homes.insert(name.clone(), Home { generation, profile: home_path, base });
        }
        Ok(homes)
    }

    fn generation(&self, standing: &Standing<'_>, home: &HomeOf<'_>) -> Result<Generation, Error> {
        let HomeOf { account, merged, answers, view, read } = home;
        let (view, read) = (*view, *read);
        let folders = command_folders("", &self.machine.path.join(":"));
        let local = standing.content.local.iter();
        Ok(generate(&HomeInputs {
            account,
            merged,
            default_channel: self.machine.default_channel.as_deref(),
            debian_default: has_debian_default(self.machine),
            answers,
            sources: &local.map(|(written, local)| (written.clone(), Source::Path(local.path.clone()))).collect(),
            view,
            read,
            same: &|one, two| self.shelf.same(one, two),
            system: &|name| {
                let found = view.find_command(&folders, name)?;
                Some(format!("/{}", String::from_utf8_lossy(found.as_bytes())))
            },
        })?)
    }

    /// Outputs by the text of every request that homes may lean on: their own, and the system's.
    fn answers(&self, standing: &Standing<'_>) -> BTreeMap<String, Vec<StorePath>> {
        let default = self.machine.default_channel.as_deref();
        let answer = |request: &Request| {
            if let RequestKind::Local(written) = &request.kind {
                return standing.content.store_path(written).map(|path| vec![path.clone()]);
            }
            let outputs = &self.lock.answer(self.system, request, default)?.outputs;
            Some(outputs.iter().map(|(_, path)| path.clone()).collect::<Vec<_>>()).filter(|paths| !paths.is_empty())
        };
        let of_homes = home_requests(self.machine);
        let all = self.machine.packages.iter().chain(&of_homes);
        all.filter_map(|request| Some((request.text.clone(), answer(request)?))).collect()
    }
}

/// A home about to be made.
struct HomeOf<'a> {
    account: PlanAccount,
    merged: &'a Merged,
    answers: &'a BTreeMap<String, Vec<StorePath>>,
    view: View<'a>,
    read: &'a ReadContent<'a>,
}

/// What the home can be made of again, inside.
fn base(layers: &[Layer], answers: &BTreeMap<String, Vec<StorePath>>, standing: &Standing<'_>) -> HomeBase {
    let texts = |paths: &Vec<StorePath>| paths.iter().map(ToString::to_string).collect();
    let local = standing.content.local.iter();
    HomeBase {
        version: PLAN_VERSION,
        layers: layers.iter().map(Layer::to_base).collect(),
        packages: answers.iter().map(|(text, paths)| (text.clone(), texts(paths))).collect(),
        sources: local.map(|(written, local)| (written.clone(), local.path.to_string())).collect(),
    }
}
