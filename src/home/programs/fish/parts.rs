//! Parts of fish's configuration: functions, abbreviations, plugins.

use std::fmt::Write as _;

use super::quote::quote;
use super::settings::{Abbreviation, AbbreviationTable, Cursor, Function, FunctionTable, Word};
use crate::home::programs::options::OneOrMany;
use crate::home::programs::shell::is_variable;

/// A function's file.
pub(super) fn function(name: &str, function: &Function) -> String {
    let modifiers = match function {
        Function::Text(_) => String::new(),
        Function::Table(table) => modifiers(table),
    };
    format!("function {}{modifiers}\n    {}\nend\n", quote(name), function.body().trim_end_matches('\n'))
}

fn modifiers(table: &FunctionTable) -> String {
    let mut words = Vec::new();
    let option = |name: &str, value: &str| format!(" --{name}={}", quote(value));
    words.extend(table.description.as_ref().map(|text| option("description", text)));
    words.extend(table.wraps.as_ref().map(|command| option("wraps", command)));
    let events = table.on_event.as_ref().map_or(&[][..], OneOrMany::as_slice);
    words.extend(events.iter().map(|event| option("on-event", event)));
    words.extend(table.on_variable.as_ref().map(|name| option("on-variable", name)));
    words.extend(table.on_job_exit.as_ref().map(|job| process("on-job-exit", job)));
    words.extend(table.on_process_exit.as_ref().map(|id| process("on-process-exit", id)));
    words.extend(table.on_signal.as_ref().map(|signal| option("on-signal", &signal.to_string())));
    words.extend(table.no_scope_shadowing.then(|| " --no-scope-shadowing".to_owned()));
    words.extend(table.inherit_variable.as_ref().map(|name| option("inherit-variable", name)));
    if let Some(names) = &table.argument_names {
        // Last: it takes all words that follow.
        words.push(" --argument-names".to_owned());
        words.extend(names.as_slice().iter().map(|name| format!(" {}", quote(name))));
    }
    words.concat()
}

/// `$fish_pid` and the like are meant as variables.
fn process(option: &str, id: &Word) -> String {
    let id = id.to_string();
    let id = match id.strip_prefix('$') {
        Some(name) if is_variable(name) => format!("${name}"),
        _ => quote(&id),
    };
    format!(" --{option}={id}")
}

/// `abbr --add …`
pub(super) fn abbreviation(name: &str, abbreviation: &Abbreviation) -> String {
    match abbreviation {
        Abbreviation::Text(text) => format!("abbr --add -- {} {}\n", quote(name), quote(text)),
        Abbreviation::Table(table) => abbreviation_table(name, table),
    }
}

fn abbreviation_table(name: &str, table: &AbbreviationTable) -> String {
    let mut text = String::from("abbr --add");
    for command in table.command.as_ref().map_or(&[][..], OneOrMany::as_slice) {
        _ = write!(text, " --command {}", quote(command));
    }
    for (option, value) in [("function", &table.function), ("position", &table.position), ("regex", &table.regex)] {
        if let Some(value) = value {
            _ = write!(text, " --{option} {}", quote(value));
        }
    }
    match &table.set_cursor {
        Some(Cursor::Default(true)) => text += " --set-cursor",
        Some(Cursor::Mark(mark)) => _ = write!(text, " {}", quote(&format!("--set-cursor={mark}"))),
        Some(Cursor::Default(false)) | None => {}
    }
    _ = write!(text, " -- {}", quote(table.name.as_deref().unwrap_or(name)));
    if let Some(expansion) = &table.expansion {
        _ = write!(text, " {}", quote(expansion));
    }
    text.push('\n');
    text
}

/// What loads a plugin that lies in `folder`: a plugin's own tree, or a package with the same below `share/fish`.
pub(super) fn plugin(name: &str, folder: &str) -> String {
    format!(
        "\
# Plugin {name}
set -l plugin_dir {folder}

# Set paths to import plugin components
for functions in $plugin_dir/functions $plugin_dir/share/fish/vendor_functions.d
  if test -d $functions
    set fish_function_path $fish_function_path[1] $functions $fish_function_path[2..-1]
  end
end

for completions in $plugin_dir/completions $plugin_dir/share/fish/vendor_completions.d
  if test -d $completions
    set fish_complete_path $fish_complete_path[1] $completions $fish_complete_path[2..-1]
  end
end

# Source initialization code if it exists.
for file in $plugin_dir/conf.d/*.fish $plugin_dir/share/fish/vendor_conf.d/*.fish
  source $file
end

if test -f $plugin_dir/key_bindings.fish
  source $plugin_dir/key_bindings.fish
end

if test -f $plugin_dir/init.fish
  source $plugin_dir/init.fish
end
",
        folder = quote(folder)
    )
}
