//! What happens where two layers say something of the same key.

/// How two values meet. Tables always merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// The later one wins.
    Replace,
    /// Lists: the later one behind the earlier one.
    Concat,
    /// The same, without what is there already.
    Unite,
    /// Texts: the later one on lines of its own behind the earlier one.
    Lines,
}

/// Options of programs that Home Manager has as `lines`.
const LINES: [&str; 17] = [
    "bashrcExtra",
    "completionInit",
    "envExtra",
    "extraConfig",
    "extraOptionOverrides",
    "extraLuaConfig",
    "initContent",
    "initExtra",
    "initLua",
    "interactiveShellInit",
    "loginExtra",
    "loginShellInit",
    "logoutExtra",
    "profileExtra",
    "shellInit",
    "shellInitLast",
    "stdlib",
];

/// Contents of a file; it has one of them.
const CONTENTS: [&str; 7] = ["text", "source", "json", "toml", "yaml", "ini", "gitconfig"];
/// Ways to see that a unit is ready; it has one of them.
const READY: [&str; 4] = ["port", "file", "command", "notify"];
/// Ways to see that a unit is well.
const HEALTH: [&str; 2] = ["http", "command"];

/// The rule for what stands at `path`.
pub(super) fn rule(path: &[String]) -> Rule {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["packages" | "sessionPath"] => Rule::Unite,
        ["programs", _, inner @ ..] if inner.iter().rev().skip(1).all(|key| *key != "settings") => match inner.last() {
            Some(&"settings") | None => Rule::Replace,
            Some(&"plugins") => Rule::Unite,
            Some(key) if LINES.contains(key) => Rule::Lines,
            _ => Rule::Concat,
        },
        _ => Rule::Replace,
    }
}

/// Keys of the table at `path` of which there can be one only: who says one of them takes the others' place.
pub(super) fn exclusive(path: &[String]) -> &'static [&'static str] {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["file", _] | ["xdg", "configFile", _] => &CONTENTS,
        ["daemons", _, "ready"] => &READY,
        ["daemons", _, "health"] => &HEALTH,
        _ => &[],
    }
}
