//! A table as text for people: long lists a line each; what was left over below, as comments with lines.

use toml_edit::{DocumentMut, Item, Table, Value};

use super::value::{File, Leftover, line};

/// Characters of a line; longer lists get a line for each element.
const WIDTH: usize = 100;

/// The table as TOML.
pub(super) fn table(table: &toml::Table) -> String {
    let text = toml::to_string(table).unwrap_or_default();
    match text.parse::<DocumentMut>() {
        Ok(mut document) => {
            break_lists(document.as_table_mut());
            document.to_string()
        }
        Err(_) => text,
    }
}

fn break_lists(table: &mut Table) {
    for (key, item) in table.iter_mut() {
        match item {
            Item::Table(inner) => break_lists(inner),
            Item::Value(Value::Array(array)) if key.len() + array.to_string().len() > WIDTH => {
                array.iter_mut().for_each(|value| value.decor_mut().set_prefix("\n  "));
                array.set_trailing("\n");
                array.set_trailing_comma(true);
            }
            _ => {}
        }
    }
}

/// What was left over and what was said in comments, as comments. Empty where there is nothing.
pub(super) fn leftovers(source: &str, origin: &str, all: &[Leftover], file: &File) -> String {
    let mut text = String::new();
    if !all.is_empty() {
        text.extend(["\n# Not taken over from ", &comment(origin), ":\n"]);
    }
    for leftover in all {
        let at = line(source, leftover.span.start).to_string();
        text.extend(["#\n# line ", &at, ": ", &comment(&leftover.why), "\n"]);
        text += &commented(source.get(leftover.span.clone()).unwrap_or_default(), "#   ");
    }
    let is_told = |at: usize| all.iter().any(|leftover| leftover.span.contains(&at));
    let comments: Vec<_> = file.comments.iter().filter(|span| !is_told(span.start)).collect();
    if !comments.is_empty() {
        text.extend(["\n# Comments of ", &comment(origin), ":\n#\n"]);
    }
    for span in comments {
        let said = source.get(span.clone()).unwrap_or_default();
        text += &commented(&format!("line {}: {said}", line(source, span.start)), "# ");
    }
    text
}

/// Each line behind `prefix`.
fn commented(text: &str, prefix: &str) -> String {
    text.lines().map(|line| format!("{prefix}{}", comment(line)).trim_end().to_owned() + "\n").collect()
}

/// Text that can stand in a comment of TOML.
fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { ' ' } else { c }).collect()
}
