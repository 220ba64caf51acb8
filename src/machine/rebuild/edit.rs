//! `packages` of a user's own home.toml, changed as the user would: comments and order stay.

use std::str::FromStr as _;

use toml_edit::{Array, DocumentMut, Item, Value};

use crate::config::Request;

/// What a first home.toml of one's own says.
pub const STUB: &str = "\
# Your own part of this home, on top of what the image gives. Then run: rebuild
#
# packages = [\"ripgrep\"]
# sessionVariables.EDITOR = \"vim\"
#
# [programs.git]
# enable = true
";

/// Adds requests that are not there yet. Gives the new text and those that were added.
pub fn add(text: &str, requests: &[String]) -> Result<(String, Vec<String>), String> {
    for request in requests {
        Request::parse(request, None).map_err(|error| error.to_string())?;
    }
    let mut document = DocumentMut::from_str(text).map_err(|error| error.to_string())?;
    // Before the first table there may be only comments: the key stands at the top all the same.
    let packages = document.entry("packages").or_insert_with(|| Item::Value(Value::Array(Array::new())));
    let packages = packages.as_array_mut().ok_or("`packages` is no list")?;
    let mut added: Vec<String> = Vec::new();
    for request in requests {
        let there = packages.iter().any(|item| item.as_str() == Some(request));
        if !there {
            push(packages, request);
            added.push(request.clone());
        }
    }
    Ok((document.to_string(), added))
}

/// Appends in the list's own style: a line each where it has a line each. A comment stays with the request that it follows.
fn push(packages: &mut Array, request: &str) {
    let last = packages.len().checked_sub(1).and_then(|last| packages.get(last));
    let prefix = last.and_then(|last| last.decor().prefix()?.as_str().map(str::to_owned));
    match prefix {
        Some(prefix) if prefix.contains('\n') => {
            let indent = prefix.rsplit('\n').next().unwrap_or_default();
            let before = take_end(packages);
            let before = before.trim_end();
            packages.push_formatted(Value::from(request).decorated(format!("{before}\n{indent}"), ""));
            packages.set_trailing("\n");
            packages.set_trailing_comma(true);
        }
        _ => packages.push(request),
    }
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

/// Takes requests out, by their text or by the name in them. Gives the new text and those that went.
pub fn remove(text: &str, names: &[String]) -> Result<(String, Vec<String>), String> {
    let mut document = DocumentMut::from_str(text).map_err(|error| error.to_string())?;
    let mut removed = Vec::new();
    if let Some(packages) = document.get_mut("packages") {
        let packages = packages.as_array_mut().ok_or("`packages` is no list")?;
        for index in (0..packages.len()).rev() {
            let Some(text) = packages.get(index).and_then(Value::as_str).map(str::to_owned) else { continue };
            if names.iter().any(|name| *name == text || name == attribute(&text)) {
                take_out(packages, index);
                removed.push(text);
            }
        }
    }
    removed.reverse();
    Ok((document.to_string(), removed))
}

/// `name` in `channel#name@version^out`.
fn attribute(request: &str) -> &str {
    let name = request.split_once('#').map_or(request, |(_, name)| name);
    name.split(['@', '^']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn comments_and_order_stay() {
        let text = "# mine\npackages = [\n  # search\n  \"ripgrep\", # fast\n  \"fd\",\n]\n\n[programs.git] # git\nenable = true\n";
        let (changed, added) = add(text, &names(&["jq", "fd", "unstable#bat"])).unwrap();
        assert_eq!(added, ["jq", "unstable#bat"]);
        insta::assert_snapshot!(changed, @r#"
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
        let (back, removed) = remove(&changed, &names(&["bat", "jq", "absent"])).unwrap();
        assert_eq!(removed, ["jq", "unstable#bat"]);
        assert_eq!(back, text);
    }

    #[test]
    fn a_comment_stays_with_what_it_follows() {
        let text = "packages = [\n  \"fd\", # finds\n  # below\n]\n";
        let (changed, _) = add(text, &names(&["jq"])).unwrap();
        assert_eq!(changed, "packages = [\n  \"fd\", # finds\n  # below\n  \"jq\",\n]\n");
        let without_comma = "packages = [\n  \"fd\" # finds\n]\n";
        let (changed, _) = add(without_comma, &names(&["jq", "bat"])).unwrap();
        assert_eq!(changed, "packages = [\n  \"fd\", # finds\n  \"jq\",\n  \"bat\",\n]\n");
        let text = "packages = [\n  \"fd\", # finds\n  \"jq\", # json\n  \"bat\", # cat\n]\n";
        let (changed, _) = remove(text, &names(&["jq"])).unwrap();
        assert_eq!(changed, "packages = [\n  \"fd\", # finds\n  \"bat\", # cat\n]\n");
        let (changed, _) = remove(&changed, &names(&["bat"])).unwrap();
        assert_eq!(changed, "packages = [\n  \"fd\", # finds\n]\n");
    }

    #[test]
    fn a_first_package_stands_above_all_tables() {
        let (changed, _) = add(STUB, &names(&["jq"])).unwrap();
        assert!(changed.contains("packages = [\"jq\"]\n") && changed.contains("# Your own part"), "{changed}");
        let (changed, _) = add("[programs.git]\nenable = true\n", &names(&["jq"])).unwrap();
        let table: toml::Table = changed.parse().unwrap();
        assert_eq!(table["packages"].as_array().unwrap().len(), 1);
        assert!(STUB.parse::<toml::Table>().unwrap().is_empty(), "a stub says nothing");
    }

    #[test]
    fn what_is_no_list_or_no_request_is_refused() {
        assert!(add("packages = 3\n", &names(&["jq"])).is_err());
        assert!(add("packages = [", &names(&["jq"])).is_err());
        assert!(add("", &names(&["a b"])).is_err());
        assert!(remove("packages = {}\n", &names(&["jq"])).is_err());
        assert_eq!(remove("", &names(&["jq"])).unwrap(), (String::new(), Vec::new()));
    }
}
