//! home.nix: Home Manager's options to where home.toml has them.

use super::leaf::{Leaf, Sheet, table_at};
use super::value::Value;
use crate::home::programs::{self, Contribution};
use crate::nix::StorePath;

/// What a file of a home may say.
const FILE_OPTIONS: [&str; 5] = ["text", "source", "executable", "force", "recursive"];

/// Mistakes that are looked for in one program's options.
const MOST_FINDINGS: usize = 200;

/// Puts an option where home.toml has it, below `base`: nothing, or a user's `home`.
pub(super) fn put(sheet: &mut Sheet, base: &[String], mut leaf: Leaf) {
    let place = place(&leaf.path);
    match place {
        Ok(place) => {
            let is_program = place.first().is_some_and(|first| first == "programs");
            if is_program && place.last().is_some_and(|last| last == "package") && matches!(leaf.value, Value::Null) {
                leaf.value = Value::Bool(false);
            }
            sheet.put(&[base, &place].concat(), leaf);
        }
        Err(why) => sheet.leave(leaf.span, why),
    }
}

/// Where home.toml has an option; or why it hasn't.
fn place(path: &[String]) -> Result<Vec<String>, String> {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    let own = |from: usize| Ok(path.get(from..).unwrap_or_default().to_vec());
    match words.as_slice() {
        ["home", "packages" | "sessionPath" | "sessionVariables" | "shellAliases"]
        | ["home", "sessionVariables" | "shellAliases", _] => own(1),
        ["home", "file", _, option] if FILE_OPTIONS.contains(option) => own(1),
        ["xdg", "configFile", _, option] if FILE_OPTIONS.contains(option) => own(0),
        ["home", "file", _, option] | ["xdg", "configFile", _, option] => {
            Err(format!("a file of home.toml has no `{option}`"))
        }
        ["home", "username" | "homeDirectory" | "stateVersion"] | ["programs", "home-manager", ..] => {
            Err("nothing needs to be said of this".to_owned())
        }
        ["programs", name, _, ..] if programs::known().iter().any(|program| program.name == *name) => own(0),
        ["programs", name, ..] => {
            Err(format!("dumbc does not know the program `{name}`: add its package and its files"))
        }
        ["imports"] => Err("import those files by themselves".to_owned()),
        ["systemd", "user", "services", ..] => Err("write it as `[daemons.NAME]`".to_owned()),
        _ => Err("home.toml has no such option".to_owned()),
    }
}

/// Takes out options that the programs below `base` don't know.
pub(super) fn prune(sheet: &mut Sheet, base: &[String]) {
    for program in programs::known() {
        let path = [base, &["programs".to_owned(), program.name.to_owned()]].concat();
        for _ in 0..MOST_FINDINGS {
            let Some((fault, why)) = table_at(&sheet.table, &path).and_then(|table| fault(program, table)) else {
                break;
            };
            sheet.take_out(&[path.as_slice(), &fault].concat(), &why);
        }
    }
}

/// The first thing in a program's table that can't be: where it stands, as far as the table goes, and why.
fn fault(program: &programs::Program, table: &toml::Table) -> Option<(Vec<String>, String)> {
    let stand_in = |_: &str| StorePath::from_parts([0; 20], "package").ok();
    let context = programs::Context {
        user: "user",
        home: "/home/user",
        package: &stand_in,
        list: &|_, _| None,
        others: &Contribution::default(),
    };
    let (_, errors) = (program.contribute)(table, &context);
    let error = errors.into_iter().find(|error| !error.warning)?;
    let mut place = Vec::new();
    let mut inner = Some(table);
    for key in error.path {
        let Some(value) = inner.and_then(|table| table.get(&key)) else { break };
        inner = value.as_table();
        place.push(key);
    }
    let help = error.help.map(|help| format!(": {help}")).unwrap_or_default();
    Some((place, format!("{}{help}", error.message)))
}

/// Whether a file with these paths is a home's.
pub(super) fn is_home(leaves: &[Leaf]) -> bool {
    let is_ours =
        |leaf: &Leaf| leaf.path.first().is_some_and(|first| ["home", "programs", "xdg"].contains(&first.as_str()));
    leaves.iter().any(is_ours)
}
