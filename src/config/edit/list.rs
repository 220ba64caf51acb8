//! A list in a TOML document, and the tables around it, with what people wrote between the values.

use toml_edit::{Array, Decor, DocumentMut, InlineTable, Item, RawString, Table, TableLike, Value};

use super::EditError;

/// The list, if it is there.
pub(super) fn existing<'d>(root: &'d mut Table, tables: &[&str]) -> Result<Option<&'d mut Array>, EditError> {
    let mut table: &mut dyn TableLike = root;
    for (depth, name) in tables.iter().enumerate() {
        let Some(item) = table.get_mut(name) else { return Ok(None) };
        table = item.as_table_like_mut().ok_or_else(|| shape(&tables[..=depth], None, "table"))?;
    }
    let list = || shape(tables, Some("packages"), "list");
    table.get_mut("packages").map(|item| item.as_array_mut().ok_or_else(list)).transpose()
}

/// The list, made where it is missing, with the tables above it.
pub(super) fn array<'d>(root: &'d mut Table, tables: &[&str]) -> Result<&'d mut Array, EditError> {
    let (mut table, mut in_line): (&mut dyn TableLike, bool) = (root, false);
    for (depth, name) in tables.iter().enumerate() {
        let new = || if in_line { Item::Value(InlineTable::new().into()) } else { Item::Table(Table::new()) };
        let item = table.entry(name).or_insert_with(new);
        in_line = item.is_value();
        table = item.as_table_like_mut().ok_or_else(|| shape(&tables[..=depth], None, "table"))?;
    }
    let packages = table.entry("packages").or_insert_with(|| Item::Value(Value::Array(Array::new())));
    packages.as_array_mut().ok_or_else(|| shape(tables, Some("packages"), "list"))
}

fn shape(tables: &[&str], key: Option<&str>, expected: &'static str) -> EditError {
    EditError::Shape { key: tables.iter().copied().chain(key).collect::<Vec<_>>().join("."), expected }
}

/// A first `packages`, below what the file says of itself, and above all tables.
pub(super) fn make_top(document: &mut DocumentMut) {
    let is_key = |item: &Item| item.is_value() || item.as_table().is_some_and(Table::is_dotted);
    if document.iter().any(|(_, item)| is_key(item)) {
        return;
    }
    let first = document.iter_mut().find_map(|(_, item)| header(item));
    let text = |raw: Option<&RawString>| raw.and_then(RawString::as_str).unwrap_or_default().to_owned();
    let above = if let Some(decor) = first {
        let prefix = text(decor.prefix());
        // What stands right above the table is about the table.
        let (above, below) = prefix.rfind("\n\n").map_or(("", prefix.as_str()), |end| prefix.split_at(end + 1));
        decor.set_prefix(if below.starts_with('\n') { below.to_owned() } else { format!("\n{below}") });
        above.to_owned()
    } else {
        let trailing = text(Some(document.trailing()));
        document.set_trailing("");
        trailing
    };
    document.insert("packages", Item::Value(Value::Array(Array::new())));
    if let Some(mut key) = document.key_mut("packages") {
        key.leaf_decor_mut().set_prefix(above);
    }
}

/// What stands around the first header of a table. A table of tables alone has none of its own; the parser bounds how deep they go.
fn header(item: &mut Item) -> Option<&mut Decor> {
    match item {
        Item::Table(table) => {
            if table.is_implicit() {
                return table.iter_mut().find_map(|(_, item)| header(item));
            }
            Some(table.decor_mut())
        }
        Item::ArrayOfTables(tables) => tables.iter_mut().next().map(Table::decor_mut),
        Item::None | Item::Value(_) => None,
    }
}

/// Appends in the list's own style: a line of its own where the list has several. A comment stays with the request that it
/// follows.
pub(super) fn push(packages: &mut Array, request: &str) {
    let indents = packages.iter().filter_map(|value| value.decor().prefix()?.as_str()?.rsplit_once('\n'));
    let indent = indents.last().map(|(_, indent)| indent.to_owned());
    let trailing = packages.trailing().as_str().unwrap_or_default();
    let Some(indent) = indent.or_else(|| trailing.contains('\n').then(|| "  ".to_owned())) else {
        packages.push(request);
        return;
    };
    let end = trailing.rsplit_once('\n').map_or_else(String::new, |(_, end)| end.to_owned());
    let before = take_end(packages);
    let before = before.trim_end();
    packages.push_formatted(Value::from(request).decorated(format!("{before}\n{indent}"), ""));
    packages.set_trailing(format!("\n{end}"));
    packages.set_trailing_comma(true);
}

/// What stands between the last request and the bracket.
fn take_end(packages: &mut Array) -> String {
    let trailing = packages.trailing().as_str().unwrap_or_default().to_owned();
    let last = packages.len().checked_sub(1).and_then(|last| packages.get_mut(last));
    let suffix = last.map(|last| {
        let suffix = last.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default().to_owned();
        last.decor_mut().set_suffix("");
        suffix
    });
    suffix.unwrap_or_default() + &trailing
}

/// Takes one out, with the comment that follows it; that of the one before stays.
pub(super) fn take_out(packages: &mut Array, index: usize) {
    let taken = packages.remove(index);
    let prefix = taken.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
    let has_line =
        |value: &Value| value.decor().prefix().and_then(RawString::as_str).is_some_and(|it| it.contains('\n'));
    // Of several in a line, the next one is the first now.
    if let Some(next) = packages.get_mut(index).filter(|next| !has_line(next))
        && (index == 0 || has_line(&taken))
    {
        next.decor_mut().set_prefix(prefix);
        return;
    }
    let Some((before, _)) = prefix.split_once('\n') else { return };
    let joined = |after: &str| {
        let rest = after.find('\n').and_then(|end| after.get(end..));
        format!("{before}{}", rest.unwrap_or(after))
    };
    if let Some(next) = packages.get_mut(index) {
        let after = next.decor().prefix().and_then(|prefix| prefix.as_str()).map(joined);
        next.decor_mut().set_prefix(after.unwrap_or_default());
    } else {
        let after = joined(packages.trailing().as_str().unwrap_or_default());
        packages.set_trailing(after);
    }
}
