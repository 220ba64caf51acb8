//! Asks every enabled program what it makes: shells last, as they run what the others bring.

use std::collections::BTreeMap;

use crate::boot::PlanAccount;
use crate::config::nearest;
use crate::image::ImagePath;
use crate::nix::StorePath;

use super::super::finding::Finding;
use super::super::programs::{Content, Context, Contribution, Program};
use super::super::settings::{Settings, is_enabled};

/// What programs may know.
pub(super) struct Surroundings<'a> {
    pub(super) account: &'a PlanAccount,
    pub(super) package: &'a dyn Fn(&str) -> Option<StorePath>,
    pub(super) list: &'a dyn Fn(&StorePath, &ImagePath) -> Option<Vec<String>>,
}

/// All contributions as one, and the home's own.
#[derive(Debug, Default)]
pub(super) struct All {
    /// By target: the program that makes it, its content, and whether it is executable.
    pub(super) files: Vec<(String, &'static str, Content, bool)>,
    pub(super) session_variables: BTreeMap<String, String>,
    pub(super) session_path: Vec<String>,
    /// Requests that go into the union beside the programs' own.
    pub(super) packages: Vec<String>,
}

pub(super) fn evaluate(
    known: &[&'static Program],
    home: &Settings,
    surroundings: &Surroundings<'_>,
    findings: &mut Vec<Finding>,
) -> All {
    refuse_unknown(known, home, findings);
    let mut total = Total::new(home);
    let (shells, others): (Vec<_>, Vec<_>) = known.iter().copied().partition(|program| program.is_shell);
    let nothing = Contribution::default();
    for program in others {
        let contribution = ask(program, home, surroundings, &nothing, findings);
        total.add(program.name, contribution, findings);
    }
    // Shells don't see each other: what they say is the same in any order.
    let before = total.contribution.clone();
    for program in shells {
        let contribution = ask(program, home, surroundings, &before, findings);
        total.add(program.name, contribution, findings);
    }
    let Total { contribution, files, .. } = total;
    let Contribution { session_variables, session_path, packages, .. } = contribution;
    All { files, session_variables, session_path, packages }
}

fn refuse_unknown(known: &[&Program], home: &Settings, findings: &mut Vec<Finding>) {
    for name in home.programs.keys() {
        if known.iter().all(|program| program.name != name) {
            let near = nearest(name, known.iter().map(|program| program.name));
            let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            let help =
                format!("{near}What dumbc does not know is configured by `file` or `xdg.configFile`, and `packages`");
            let message = format!("there is no program `{name}` that dumbc configures");
            findings.push(Finding::error(&["programs", name], message, help));
        }
    }
}

/// What an enabled program makes; nothing where something is wrong.
fn ask(
    program: &Program,
    home: &Settings,
    surroundings: &Surroundings<'_>,
    others: &Contribution,
    findings: &mut Vec<Finding>,
) -> Contribution {
    let Some(table) = home.programs.get(program.name).filter(|table| is_enabled(table)) else {
        return Contribution::default();
    };
    let context = Context {
        user: &surroundings.account.name,
        home: &surroundings.account.home,
        package: surroundings.package,
        list: surroundings.list,
        others,
    };
    let (contribution, errors) = (program.contribute)(table, &context);
    let wrong = errors.iter().any(|error| !error.warning);
    findings.extend(errors.into_iter().map(|error| Finding::of_program(program.name, error)));
    if wrong { Contribution::default() } else { contribution }
}

/// What was brought so far, and by whom.
struct Total<'a> {
    home: &'a Settings,
    contribution: Contribution,
    files: Vec<(String, &'static str, Content, bool)>,
    /// Programs that brought a variable.
    variables: BTreeMap<String, &'static str>,
}

impl<'a> Total<'a> {
    fn new(home: &'a Settings) -> Self {
        let contribution = Contribution {
            session_variables: home.session_variables.clone(),
            session_path: home.session_path.clone(),
            aliases: home.aliases.clone(),
            ..Contribution::default()
        };
        Self { home, contribution, files: Vec::new(), variables: BTreeMap::new() }
    }

    /// What the home itself says of a variable or an alias stands over what programs say.
    fn add(&mut self, name: &'static str, more: Contribution, findings: &mut Vec<Finding>) {
        for (variable, value) in more.session_variables {
            if self.home.session_variables.contains_key(&variable) {
                continue;
            }
            let other = self.variables.insert(variable.clone(), name);
            let before = self.contribution.session_variables.insert(variable.clone(), value.clone());
            if let (Some(other), Some(before)) = (other, before)
                && before != value
            {
                let message = format!("`programs.{other}` and `programs.{name}` both set the variable `{variable}`");
                let help = format!("say in `sessionVariables.{variable}` which value it has");
                findings.push(Finding::error(&["programs", name], message, help));
            }
        }
        for folder in more.session_path {
            if !self.contribution.session_path.contains(&folder) {
                self.contribution.session_path.push(folder);
            }
        }
        for (alias, value) in more.aliases {
            self.contribution.aliases.entry(alias).or_insert(value);
        }
        self.contribution.git.extend(more.git);
        self.contribution.packages.extend(more.packages);
        let shells = &mut self.contribution.shells;
        shells.bash.extend(more.shells.bash);
        shells.zsh.extend(more.shells.zsh);
        shells.fish.extend(more.shells.fish);
        let files = more.files.into_iter();
        self.files.extend(files.map(|(target, (content, executable))| (target, name, content, executable)));
    }
}
