//! The part of tmux.conf that options make.

use std::fmt::Write as _;

use super::{KeyMode, TomlTmux};

/// Everything before plugins and the user's own text: each of Home Manager's blocks, and an empty line where it has none.
pub(super) fn head(tmux: &TomlTmux, sensible: Option<&str>) -> String {
    let mode = if tmux.key_mode == KeyMode::Vi { "vi" } else { "emacs" };
    let index = tmux.base_index;
    let mut text = sensible.map(top).unwrap_or_default() + "\n";
    let _ = writeln!(text, "set  -g default-terminal \"{}\"", tmux.terminal);
    let _ = writeln!(text, "set  -g base-index      {index}\nsetw -g pane-base-index {index}");
    text += &(shell(tmux) + "\n");
    text += if tmux.new_session { "new-session\n\n" } else { "\n\n" };
    text += &(split(tmux).to_owned() + "\n\n");
    let _ = writeln!(text, "set -g status-keys {mode}\nset -g mode-keys   {mode}\n");
    text += &(navigation(tmux) + "\n\n");
    text += &(prefix(tmux) + "\n\n");
    text += &(confirmation(tmux).to_owned() + "\n\n");
    text + &switches(tmux)
}

fn top(sensible: &str) -> String {
    format!(
        "# ============================================= #\n\
         # Start with defaults from the Sensible plugin  #\n\
         # --------------------------------------------- #\n\
         run-shell {sensible}\n\
         # ============================================= #\n"
    )
}

fn shell(tmux: &TomlTmux) -> String {
    let line = |shell: &String| {
        format!("# We need to set default-shell before calling new-session\nset  -g default-shell \"{shell}\"\n")
    };
    tmux.shell.as_ref().map(line).unwrap_or_default()
}

fn split(tmux: &TomlTmux) -> &'static str {
    if tmux.reverse_split {
        "bind -N \"Split the pane into two, left and right\" v split-window -h\n\
         bind -N \"Split the pane into two, top and bottom\" s split-window -v\n"
    } else {
        ""
    }
}

fn navigation(tmux: &TomlTmux) -> String {
    let mut text = String::new();
    if tmux.key_mode != KeyMode::Vi || !tmux.custom_pane_navigation_and_resize {
        return text;
    }
    for (key, place, flag) in
        [("h", "to the left of", "L"), ("j", "below", "D"), ("k", "above", "U"), ("l", "to the right of", "R")]
    {
        let _ = writeln!(text, "bind -N \"Select pane {place} the active pane\" {key} select-pane -{flag}");
    }
    text += "\n";
    let amount = tmux.resize_amount;
    for (key, way, flag) in [("H", "left", "L"), ("J", "down", "D"), ("K", "up", "U"), ("L", "right", "R")] {
        let _ =
            writeln!(text, "bind -r -N \"Resize the pane {way} by {amount}\" \\\n  {key} resize-pane -{flag} {amount}");
    }
    text
}

fn prefix(tmux: &TomlTmux) -> String {
    let through = "bind -N \"Send the prefix key through to the application\" \\\n ";
    match &tmux.prefix {
        Some(key) => {
            format!("# rebind main key: {key}\nunbind C-b\nset -g prefix {key}\n{through} {key} send-prefix\n")
        }
        None if tmux.shortcut == "b" => String::new(),
        None => {
            let key = &tmux.shortcut;
            format!(
                "# rebind main key: C-{key}\nunbind C-b\nset -g prefix C-{key}\n{through} {key} send-prefix\n\
                 bind C-{key} last-window\n"
            )
        }
    }
}

fn confirmation(tmux: &TomlTmux) -> &'static str {
    if tmux.disable_confirmation_prompt {
        "bind-key -N \"Kill the current window\" & kill-window\n\
         bind-key -N \"Kill the current pane\" x kill-pane\n"
    } else {
        ""
    }
}

fn switches(tmux: &TomlTmux) -> String {
    let word = |on: bool| if on { "on" } else { "off" };
    format!(
        "set  -g mouse             {}\n\
         set  -g focus-events      {}\n\
         setw -g aggressive-resize {}\n\
         setw -g clock-mode-style  {}\n\
         set  -s escape-time       {}\n\
         set  -g history-limit     {}\n",
        word(tmux.mouse),
        word(tmux.focus_events),
        word(tmux.aggressive_resize),
        if tmux.clock24 { "24" } else { "12" },
        tmux.escape_time,
        tmux.history_limit,
    )
}
