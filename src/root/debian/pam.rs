//! `/etc/pam.d/common-*`: what programs that log users in share, made of all packages' profiles.
//!
//! As `pam-auth-update` does it on a fresh machine: profiles that are on by default, the highest priority first, each with
//! lines for one of five stacks, set into the templates of libpam-runtime.

use std::collections::BTreeMap;

use crate::image::ImagePath;
use crate::image::tree::{Metadata, Node, Tree};

use super::Merged;

const PROFILES: &str = "usr/share/pam-configs/";
const TEMPLATES: &str = "usr/share/pam/common-";

/// The stacks: the ending of the template's name, the profiles' field, and the kind that its lines begin with.
const STACKS: [(&str, &str, &str); 5] = [
    ("account", "Account", "account"),
    ("auth", "Auth", "auth"),
    ("password", "Password", "password"),
    ("session", "Session", "session"),
    ("session-noninteractive", "Session-noninteractive", "session"),
];

/// Before these lines the template ends, and goes on behind them.
const PRIMARY: (&str, &str) =
    ("# here are the per-package modules (the \"Primary\" block)", "# here's the fallback if no module succeeds");
const ADDITIONAL: (&str, &str) =
    ("# and here are more per-package modules (the \"Additional\" block)", "# end of pam-auth-update config");

/// What stands where no module does: the stack needs one.
const NOTHING: &str = "[default=1]\t\t\tpam_permit.so";

/// A package's profile.
#[derive(Debug, Default)]
struct Profile {
    name: String,
    priority: i64,
    is_default: bool,
    conflicts: Vec<String>,
    fields: BTreeMap<String, String>,
}

/// The files that the stacks are made of: profiles and templates.
#[must_use]
pub fn pam_sources(merged: &Merged) -> Vec<ImagePath> {
    let is_source = |path: &&ImagePath| {
        let path = path.as_bytes();
        let is_template = path.starts_with(TEMPLATES.as_bytes()) && !path.contains(&b'.');
        path.starts_with(PROFILES.as_bytes()) && !path.ends_with(b"~") || is_template
    };
    merged.keys().filter(is_source).cloned().collect()
}

/// The stacks, and what `pam-auth-update` remembers of them, from the contents of [`pam_sources`]. Empty without templates;
/// a template that has no place for modules is left out, a profile that is no text too.
#[must_use]
pub fn pam_tree(contents: &BTreeMap<ImagePath, Vec<u8>>) -> Tree {
    let mut profiles = profiles(contents);
    let seen = profiles.iter().flat_map(|profile| [profile.name.as_str(), "\n"]).collect::<String>();
    profiles.retain(|profile| profile.is_default);
    drop_conflicts(&mut profiles);
    let mut files = BTreeMap::new();
    for (ending, field, kind) in STACKS {
        let template = contents.iter().find(|(path, _)| path.as_bytes() == format!("{TEMPLATES}{ending}").as_bytes());
        let template = template.and_then(|(_, text)| std::str::from_utf8(text).ok());
        if let Some(stack) = template.and_then(|template| filled(template, &profiles, field, kind)) {
            files.insert(format!("etc/pam.d/common-{ending}"), stack);
            files.insert(format!("var/lib/pam/{ending}"), remembered(&profiles, field));
        }
    }
    if !files.is_empty() {
        files.insert("var/lib/pam/seen".to_owned(), seen);
    }
    let file = |(path, text): (String, String)| {
        Some((ImagePath::new(path.as_bytes()).ok()?, (Metadata::root(0o644), Node::File(text.into_bytes()))))
    };
    files.into_iter().filter_map(file).collect()
}

/// All profiles, the highest priority first; among equals, the last name.
fn profiles(contents: &BTreeMap<ImagePath, Vec<u8>>) -> Vec<Profile> {
    let profile = |(path, text): (&ImagePath, &Vec<u8>)| {
        let name = path.as_bytes().strip_prefix(PROFILES.as_bytes()).filter(|name| !name.contains(&b'/'))?;
        Some(Profile::parse(std::str::from_utf8(name).ok()?, std::str::from_utf8(text).ok()?))
    };
    let mut profiles = contents.iter().filter_map(profile).collect::<Vec<_>>();
    profiles.sort_by(|one, other| (other.priority, &other.name).cmp(&(one.priority, &one.name)));
    profiles
}

/// Takes out what profiles before say they can't stand beside.
fn drop_conflicts(profiles: &mut Vec<Profile>) {
    let mut index = 0;
    while let Some(profile) = profiles.get(index) {
        let conflicts = profile.conflicts.clone();
        let name = profile.name.clone();
        profiles.retain(|other| !conflicts.contains(&other.name));
        // The profile itself may have moved up, if what went away stood before it.
        index = profiles.iter().position(|other| other.name == name).map_or(index, |index| index + 1);
    }
}

impl Profile {
    fn parse(name: &str, text: &str) -> Self {
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        let mut current = String::new();
        for line in text.lines() {
            let head = line.split_once(':').filter(|(field, rest)| {
                !field.is_empty()
                    && !field.contains(char::is_whitespace)
                    && (rest.is_empty() || rest.starts_with([' ', '\t']))
            });
            if let Some((field, value)) = head {
                field.trim_end_matches("-Final").clone_into(&mut current);
                fields.insert(current.clone(), value.trim().to_owned());
            } else if let Some(value) = fields.get_mut(&current) {
                if !value.is_empty() {
                    value.push('\n');
                }
                value.push_str(line.trim());
            }
        }
        if !fields.contains_key("Session-Interactive-Only") {
            for ending in ["", "-Type", "-Initial"] {
                if let Some(value) = fields.get(&format!("Session{ending}")).cloned() {
                    fields.insert(format!("Session-noninteractive{ending}"), value);
                }
            }
        }
        let get = |field: &str| fields.get(field).map_or("", String::as_str);
        Self {
            name: name.to_owned(),
            priority: get("Priority").parse().unwrap_or(0),
            is_default: get("Default") == "yes",
            conflicts: get("Conflicts")
                .split(',')
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty())
                .collect(),
            fields,
        }
    }

    /// Its lines for a stack's block; the first of a block may have lines of its own.
    fn lines(&self, field: &str, block: &str, is_first: bool) -> Vec<&str> {
        if self.fields.get(&format!("{field}-Type")).map(String::as_str) != Some(block) {
            return Vec::new();
        }
        let initial = self.fields.get(&format!("{field}-Initial")).filter(|lines| is_first && !lines.is_empty());
        let lines = initial.or_else(|| self.fields.get(field)).map_or("", String::as_str);
        lines.lines().filter(|line| !line.is_empty()).collect()
    }
}

/// The modules' lines of a block, by profile.
fn block<'a>(profiles: &'a [Profile], field: &str, block: &str) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    for profile in profiles {
        let lines = profile.lines(field, block, found.is_empty());
        if !lines.is_empty() {
            found.push((&profile.name, lines));
        }
    }
    found
}

/// A template with the modules in their places; `None`: it has no such places.
fn filled(template: &str, profiles: &[Profile], field: &str, kind: &str) -> Option<String> {
    let mut output = String::new();
    let mut lines = template.lines();
    for ((start, end), name) in [(PRIMARY, "Primary"), (ADDITIONAL, "Additional")] {
        let before = lines.by_ref().take_while(|line| !line.starts_with(start)).collect::<Vec<_>>();
        push_lines(&mut output, &before);
        push_lines(&mut output, &[start]);
        output.push_str(&modules(profiles, field, name, kind));
        let last = lines.by_ref().find(|line| line.starts_with(end))?;
        push_lines(&mut output, &[last]);
    }
    push_lines(&mut output, &lines.collect::<Vec<_>>());
    Some(output)
}

fn push_lines(output: &mut String, lines: &[&str]) {
    for line in lines {
        output.push_str(line);
        output.push('\n');
    }
}

fn modules(profiles: &[Profile], field: &str, name: &str, kind: &str) -> String {
    let lines = block(profiles, field, name).into_iter().flat_map(|(_, lines)| lines).collect::<Vec<_>>();
    if lines.is_empty() && name == "Primary" {
        return format!("{kind}\t{NOTHING}\n");
    }
    // A jump to the end passes over all lines behind; in the additional block it stops at the last one.
    let after = lines.len() - usize::from(name == "Additional" && !lines.is_empty());
    let jumps = (0..=after).rev().chain(std::iter::repeat(0));
    let lines = lines.iter().zip(jumps).map(|(line, jump)| format!("{kind}\t{}\n", with_jump(line, jump)));
    lines.collect::<Vec<_>>().concat()
}

/// `[success=end default=ignore]  pam_unix.so nullok` with a number for the end.
fn with_jump(line: &str, jump: usize) -> String {
    let control = if line.starts_with('[') { line.find(']').map_or(0, |end| end + 1) } else { 0 };
    let (control, rest) = line.split_at(control);
    let control = control.replace("end", &jump.to_string());
    let module = rest.len() - rest.trim_start().len();
    let (blank, rest) = rest.split_at(module);
    // Without brackets the control is a word, and the module the next one.
    let words = if control.is_empty() { 2 } else { 1 };
    let mut end = 0;
    for _ in 0..words {
        let blanks = rest[end..].len() - rest[end..].trim_start().len();
        end += blanks + rest[end + blanks..].find(char::is_whitespace).unwrap_or(rest.len() - end - blanks);
    }
    let (module, options) = rest.split_at(end);
    let options = options.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{control}{blank}{module} {options}")
}

/// The lines as the packages have them, for later comparison.
fn remembered(profiles: &[Profile], field: &str) -> String {
    let mut output = String::new();
    for name in ["Primary", "Additional"] {
        let modules = block(profiles, field, name);
        if modules.is_empty() && name == "Primary" {
            push_lines(&mut output, &["Module: null", NOTHING]);
        }
        for (profile, lines) in modules {
            push_lines(&mut output, &[&format!("Module: {profile}")]);
            push_lines(&mut output, &lines);
        }
    }
    output
}

#[cfg(test)]
mod tests;
