//! `packages` of a TOML file, changed as the user would: comments and order stay.

use std::str::FromStr as _;

use toml_edit::{Array, Decor, DocumentMut, InlineTable, Item, RawString, Table, TableLike, Value};

use super::{ParseRequestError, Request, RequestKind, nearest};

/// A list of packages in one of the files.
#[derive(Debug, Clone, Copy)]
pub struct PackageList<'a> {
    /// The tables above `packages`: none, or in users.toml `alice`, `home`.
    pub tables: &'a [&'a str],
    /// The channel of names that name none, where it is known: `nixpkgs#git` is `git` then.
    pub default_channel: Option<&'a str>,
}

impl PackageList<'_> {
    /// `packages` at the top of a file.
    pub const TOP: Self = Self { tables: &[], default_channel: None };
}

/// What an edit did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edited {
    /// The file's new text.
    pub text: String,
    /// Requests that are new.
    pub added: Vec<String>,
    /// Requests that took the place of another one for the same package: the old one and the new one.
    pub replaced: Vec<(String, String)>,
    /// Requests that are gone.
    pub removed: Vec<String>,
    /// What was to be removed and is not there, each with what may have been meant.
    pub missing: Vec<(String, Option<String>)>,
}

impl Edited {
    /// Whether the list is another one now.
    #[must_use]
    pub fn is_change(&self) -> bool {
        !(self.added.is_empty() && self.replaced.is_empty() && self.removed.is_empty())
    }
}

/// The list can't be edited.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// What was asked for is no request.
    #[error(transparent)]
    Request(#[from] ParseRequestError),
    /// The file is no TOML.
    #[error("{}", .0.to_string().trim_end())]
    Syntax(#[from] toml_edit::TomlError),
    /// What is there is not what such a file has.
    #[error("`{key}` is no {expected}")]
    Shape {
        /// With the tables above it.
        key: String,
        /// "list" or "table".
        expected: &'static str,
    },
}

/// Adds requests that are not there yet. One for a package that is there in another version, or with other outputs, takes its
/// place.
pub fn add(text: &str, list: PackageList<'_>, requests: &[String]) -> Result<Edited, EditError> {
    let mut document = DocumentMut::from_str(text)?;
    let mut edited = Edited::default();
    if list.tables.is_empty() {
        make_top(&mut document);
    }
    let packages = array(document.as_table_mut(), list.tables)?;
    for request in requests {
        let wanted = Request::parse(request, None)?;
        let known: Vec<Option<Request>> = parsed(packages).collect();
        let same = |known: &Option<Request>| known.as_ref().is_some_and(|known| list.is_same(known, &wanted));
        let rival = |known: &Option<Request>| known.as_ref().is_some_and(|known| list.is_rival(known, &wanted));
        if known.iter().any(same) {
            continue;
        }
        if let Some(value) = known.iter().position(rival).and_then(|index| packages.get_mut(index)) {
            edited.replaced.push((value.as_str().unwrap_or_default().to_owned(), request.clone()));
            let decor = value.decor().clone();
            *value = Value::from(request);
            *value.decor_mut() = decor;
        } else {
            push(packages, request);
            edited.added.push(request.clone());
        }
    }
    edited.text = if edited.is_change() { document.to_string() } else { text.to_owned() };
    Ok(edited)
}

/// Takes requests out, by their text or by the name in them.
pub fn remove(text: &str, list: PackageList<'_>, names: &[String]) -> Result<Edited, EditError> {
    let mut document = DocumentMut::from_str(text)?;
    let mut edited = Edited { text: text.to_owned(), ..Edited::default() };
    let mut nothing = Array::new();
    let packages = existing(document.as_table_mut(), list.tables)?.unwrap_or(&mut nothing);
    let known: Vec<String> = packages.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
    for name in names {
        let mut found = false;
        for index in (0..packages.len()).rev() {
            let Some(text) = packages.get(index).and_then(Value::as_str).map(str::to_owned) else { continue };
            if list.is_meant(&text, name) {
                take_out(packages, index);
                edited.removed.push(text);
                found = true;
            }
        }
        if !found && !edited.removed.iter().any(|text| list.is_meant(text, name)) {
            let near = nearest(name, known.iter().flat_map(|text| [text.as_str(), attribute(text)]));
            edited.missing.push((name.clone(), near.map(str::to_owned)));
        }
    }
    edited.removed.sort_by_key(|text| known.iter().position(|known| known == text));
    if edited.is_change() {
        edited.text = document.to_string();
    }
    Ok(edited)
}

impl PackageList<'_> {
    fn channel<'r>(&'r self, request: &'r Request) -> Option<&'r str> {
        match &request.kind {
            RequestKind::Name { channel, .. } => channel.as_deref().or(self.default_channel),
            RequestKind::StorePath(_) | RequestKind::Local(_) => None,
        }
    }

    /// Whether both ask for the same.
    fn is_same(&self, one: &Request, other: &Request) -> bool {
        let rest = |request: &Request| match &request.kind {
            RequestKind::Name { version, outputs, .. } => Some((version.clone(), outputs.clone())),
            _ => None,
        };
        one.text == other.text || self.is_rival(one, other) && rest(one) == rest(other)
    }

    /// Whether both name one package of one channel.
    fn is_rival(&self, one: &Request, other: &Request) -> bool {
        let name = |request: &Request| plain_attribute(request).map(|name| name.replace('"', ""));
        name(one).is_some() && name(one) == name(other) && self.channel(one) == self.channel(other)
    }

    /// Whether `name` means the request `text`: its text, its attribute, or that with its channel.
    fn is_meant(&self, text: &str, name: &str) -> bool {
        let (Ok(there), Ok(meant)) = (Request::parse(text, None), Request::parse(name, None)) else {
            return text == name;
        };
        let RequestKind::Name { channel, .. } = &meant.kind else { return text == name };
        let called = plain_attribute(&there) == Some(name);
        let in_channel =
            channel.is_some() && self.is_rival(&there, &meant) && name.rsplit('#').next() == plain_attribute(&meant);
        called || in_channel || self.is_same(&there, &meant)
    }
}

/// The requests of a list; `None` for what is none.
fn parsed(packages: &Array) -> impl Iterator<Item = Option<Request>> {
    packages.iter().map(|value| Request::parse(value.as_str()?, None).ok())
}

fn plain_attribute(request: &Request) -> Option<&str> {
    match &request.kind {
        RequestKind::Name { attribute, .. } => Some(attribute),
        RequestKind::StorePath(_) | RequestKind::Local(_) => None,
    }
}

/// `name` in `channel#name@version^out`.
fn attribute(request: &str) -> &str {
    let name = request.split_once('#').map_or(request, |(_, name)| name);
    name.split(['@', '^']).next().unwrap_or(name)
}

/// The list, if it is there.
fn existing<'d>(root: &'d mut Table, tables: &[&str]) -> Result<Option<&'d mut Array>, EditError> {
    let mut table: &mut dyn TableLike = root;
    for (depth, name) in tables.iter().enumerate() {
        let Some(item) = table.get_mut(name) else { return Ok(None) };
        table = item.as_table_like_mut().ok_or_else(|| shape(&tables[..=depth], None, "table"))?;
    }
    let list = || shape(tables, Some("packages"), "list");
    table.get_mut("packages").map(|item| item.as_array_mut().ok_or_else(list)).transpose()
}

/// The list, made where it is missing, with the tables above it.
fn array<'d>(root: &'d mut Table, tables: &[&str]) -> Result<&'d mut Array, EditError> {
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
fn make_top(document: &mut DocumentMut) {
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
fn push(packages: &mut Array, request: &str) {
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
fn take_out(packages: &mut Array, index: usize) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    fn added(text: &str, requests: &[&str]) -> Edited {
        add(text, PackageList::TOP, &names(requests)).unwrap()
    }

    fn removed(text: &str, requests: &[&str]) -> Edited {
        remove(text, PackageList::TOP, &names(requests)).unwrap()
    }

    #[test]
    fn comments_and_order_stay() {
        let text = "# mine\npackages = [\n  # search\n  \"ripgrep\", # fast\n  \"fd\",\n]\n\n[programs.git] # git\nenable = true\n";
        let changed = added(text, &["jq", "fd", "unstable#bat"]);
        assert_eq!(changed.added, ["jq", "unstable#bat"]);
        insta::assert_snapshot!(changed.text, @r#"
        # mine
        packages = [
          # search
          "ripgrep", # fast
          "fd",
          "jq",
          "unstable#bat",
        ]

        [programs.git] # git
        enable = true
        "#);
        let back = removed(&changed.text, &["bat", "jq", "absent"]);
        assert_eq!(back.removed, ["jq", "unstable#bat"]);
        assert_eq!(back.missing, [("absent".to_owned(), None)]);
        assert_eq!(back.text, text);
    }

    #[test]
    fn a_comment_stays_with_what_it_follows() {
        let text = "packages = [\n  \"fd\", # finds\n  # below\n]\n";
        assert_eq!(added(text, &["jq"]).text, "packages = [\n  \"fd\", # finds\n  # below\n  \"jq\",\n]\n");
        let without_comma = "packages = [\n  \"fd\" # finds\n]\n";
        let changed = added(without_comma, &["jq", "bat"]).text;
        assert_eq!(changed, "packages = [\n  \"fd\", # finds\n  \"jq\",\n  \"bat\",\n]\n");
        let several = "packages = [\n    \"a\", \"b\", # both\n]\n";
        assert_eq!(added(several, &["c"]).text, "packages = [\n    \"a\", \"b\", # both\n    \"c\",\n]\n");
        let text = "packages = [\n  \"fd\", # finds\n  \"jq\", # json\n  \"bat\", # cat\n]\n";
        let changed = removed(text, &["jq"]).text;
        assert_eq!(changed, "packages = [\n  \"fd\", # finds\n  \"bat\", # cat\n]\n");
        assert_eq!(removed(&changed, &["bat"]).text, "packages = [\n  \"fd\", # finds\n]\n");
        let lines = "packages = [\n  # Tools.\n  \"a\", \"b\",\n  \"c\",\n]\n";
        let changed = removed(lines, &["a"]).text;
        assert_eq!(changed, "packages = [\n  # Tools.\n  \"b\",\n  \"c\",\n]\n");
        assert_eq!(removed("packages = [\"a\", \"b\"]\n", &["a"]).text, "packages = [\"b\"]\n");
    }

    #[test]
    fn a_package_that_is_there_is_replaced_where_it_stands() {
        let text = "packages = [\n  \"a\",\n  \"python3@3.11\", # old\n  \"ours#git\",\n]\n";
        let changed = added(text, &["python3@3.12", "git"]);
        assert_eq!(changed.replaced, [("python3@3.11".to_owned(), "python3@3.12".to_owned())]);
        assert_eq!(changed.added, ["git"], "that of another channel is another one");
        assert!(changed.text.contains("  \"python3@3.12\", # old\n"), "{}", changed.text);
        let list = PackageList { default_channel: Some("ours"), ..PackageList::TOP };
        let same = add(text, list, &names(&["git", "a"])).unwrap();
        assert!(!same.is_change() && same.text == text, "ours is the default channel here");
    }

    #[test]
    fn a_first_package_stands_above_all_tables_and_below_what_the_file_says_of_itself() {
        let stub = "# Mine.\n#\n# packages = [\"ripgrep\"]\n";
        assert_eq!(added(stub, &["jq"]).text, format!("{stub}packages = [\"jq\"]\n"));
        let text = "# The file.\n\n# The table.\n[programs.git]\nenable = true\n";
        let changed = added(text, &["jq"]).text;
        assert_eq!(changed, "# The file.\npackages = [\"jq\"]\n\n# The table.\n[programs.git]\nenable = true\n");
        let changed = added("channel = \"x\"\n[programs.git]\nenable = true\n", &["jq"]).text;
        assert_eq!(changed, "channel = \"x\"\npackages = [\"jq\"]\n[programs.git]\nenable = true\n");
        assert_eq!(added("", &["jq"]).text, "packages = [\"jq\"]\n");
    }

    #[test]
    fn a_users_list_is_made_where_the_users_tables_are() {
        let list = PackageList { tables: &["alice", "home"], default_channel: None };
        let of_alice = |text: &str| add(text, list, &names(&["jq"])).unwrap().text;
        let alone = "[alice]\nuid = 1000\n\n[bob]\nuid = 1001\n";
        for text in [
            alone,
            "[alice]\nuid = 1000\n[alice.home.programs.git]\nenable = true\n[bob]\nuid = 1001\n",
            "alice = { uid = 1000 }\nbob = { uid = 1001 }\n",
            "[alice]\nuid = 1000\nhome.packages = [\"fd\"]\n[bob]\nuid = 1001\n",
            "[alice]\nuid = 1000\nhome = { packages = [\"fd\"] }\n[bob]\nuid = 1001\n",
        ] {
            let changed = of_alice(text);
            let table: toml::Table = changed.parse().unwrap();
            let packages = table["alice"]["home"]["packages"].as_array().unwrap();
            assert_eq!(packages.last().and_then(toml::Value::as_str), Some("jq"), "{changed}");
            assert_eq!(table["bob"]["uid"].as_integer(), Some(1001), "{changed}");
            assert_eq!(remove(&changed, list, &names(&["jq"])).unwrap().removed, ["jq"]);
        }
        insta::assert_snapshot!(of_alice(alone), @r#"
        [alice]
        uid = 1000

        [alice.home]
        packages = ["jq"]

        [bob]
        uid = 1001
        "#);
    }

    #[test]
    fn names_mean_what_they_say() {
        let text = "packages = [\"unstable#python3@3.12^out\", \"git\", \"ours#git\", \"./dist\"]\n";
        for (name, gone) in [
            ("python3", &["unstable#python3@3.12^out"][..]),
            ("unstable#python3", &["unstable#python3@3.12^out"]),
            ("ours#git", &["ours#git"]),
            ("git", &["git", "ours#git"]),
            ("./dist", &["./dist"]),
            ("ours#python3", &[]),
            ("python3@3.11", &[]),
        ] {
            assert_eq!(removed(text, &[name]).removed, gone, "{name}");
        }
        assert_eq!(removed(text, &["pyhton3"]).missing, [("pyhton3".to_owned(), Some("python3".to_owned()))]);
    }

    #[test]
    fn what_is_no_list_or_no_request_is_refused() {
        let refused = |text: &str, request: &str| add(text, PackageList::TOP, &names(&[request])).is_err();
        assert!(refused("packages = 3\n", "jq") && refused("packages = [", "jq") && refused("", "a b"));
        assert!(remove("packages = {}\n", PackageList::TOP, &names(&["jq"])).is_err());
        let list = PackageList { tables: &["alice", "home"], default_channel: None };
        let error = add("alice = 3\n", list, &names(&["jq"])).unwrap_err();
        assert_eq!(error.to_string(), "`alice` is no table");
    }
}
