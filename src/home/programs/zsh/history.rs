//! What zsh remembers.

use std::fmt::Write as _;

use super::super::shell::quote;
use super::place::Place;
use super::settings::{History, HistorySubstringSearch};

/// Settings of the history, and the one more option that stands beside them.
pub(super) fn settings(history: &History, autocd: Option<bool>, place: &Place) -> String {
    let mut text = String::from("# History options should be set after oh-my-zsh, which has its own.\n");
    _ = writeln!(text, "HISTSIZE=\"{}\"", history.size);
    _ = writeln!(text, "SAVEHIST=\"{}\"", history.save.unwrap_or(history.size));
    if !history.ignore_patterns.is_empty() {
        _ = writeln!(text, "HISTORY_IGNORE={}", quote(&format!("({})", history.ignore_patterns.join("|"))));
    }
    _ = writeln!(text, "HISTFILE=\"{}\"", path(history, place));
    text += "mkdir -p \"$(dirname \"$HISTFILE\")\"\n\nsetopt HIST_FCNTL_LOCK\n";
    for (name, is_on) in switches(history) {
        _ = writeln!(text, "{} {name}", if is_on { "setopt" } else { "unsetopt" });
    }
    if let Some(is_on) = autocd {
        _ = writeln!(text, "{} autocd", if is_on { "setopt" } else { "unsetopt" });
    }
    text
}

fn switches(history: &History) -> [(&'static str, bool); 9] {
    [
        ("APPEND_HISTORY", history.append),
        ("EXTENDED_HISTORY", history.extended),
        ("HIST_EXPIRE_DUPS_FIRST", history.expire_duplicates_first),
        ("HIST_FIND_NO_DUPS", history.find_no_dups),
        ("HIST_IGNORE_ALL_DUPS", history.ignore_all_dups),
        ("HIST_IGNORE_DUPS", history.ignore_dups),
        ("HIST_IGNORE_SPACE", history.ignore_space),
        ("HIST_SAVE_NO_DUPS", history.save_no_dups),
        ("SHARE_HISTORY", history.share),
    ]
}

/// Stands in quotes, where `$HOME` means the home and `~` nothing.
fn path(history: &History, place: &Place) -> String {
    match history.path.as_deref() {
        None => format!("{}/.zsh_history", place.absolute),
        Some(path) if path.starts_with('/') || path.contains('$') => path.to_owned(),
        Some(path) => format!("$HOME/{}", path.strip_prefix("~/").unwrap_or(path)),
    }
}

/// Keys that look for what has been typed so far.
pub(super) fn substring_search(search: &HistorySubstringSearch, package: &str) -> String {
    let mut text = format!("source {package}/share/zsh-history-substring-search/zsh-history-substring-search.zsh\n");
    for key in search.search_up_key.as_slice() {
        _ = writeln!(text, "bindkey {} history-substring-search-up", quote(key));
    }
    for key in search.search_down_key.as_slice() {
        _ = writeln!(text, "bindkey {} history-substring-search-down", quote(key));
    }
    text
}
