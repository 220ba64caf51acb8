//! INI files, as nixpkgs' `generators.toINI` writes them.

use super::{FormatError, path_of, plain, sorted};

/// Sections of `key=value`, with a line between two. A list is the key once for each of its values; `=` in a key, `[` and
/// `]` in a section's name get a backslash.
pub fn ini(table: &toml::Table) -> Result<String, FormatError> {
    let mut sections = Vec::new();
    for (name, section) in sorted(table) {
        let toml::Value::Table(section) = section else {
            return Err(refused(&[name], "it has to stand in a section"));
        };
        let mut text = format!("[{}]\n", name.replace('[', "\\[").replace(']', "\\]"));
        for (key, value) in sorted(section) {
            for value in super::ini::values(value) {
                let value = plain(value).ok_or_else(|| refused(&[name, key], "a section holds keys with scalars"))?;
                text.extend([key.replace('=', "\\=").as_str(), "=", value.as_str(), "\n"]);
            }
        }
        sections.push(text);
    }
    Ok(sections.join("\n"))
}

/// A list's values, or the value itself.
pub(super) fn values(value: &toml::Value) -> &[toml::Value] {
    match value {
        toml::Value::Array(values) => values,
        single => std::slice::from_ref(single),
    }
}

fn refused(keys: &[&str], reason: &'static str) -> FormatError {
    FormatError { format: "INI", path: path_of(keys), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_hold_keys() {
        let data = toml::toml! {
            [z]
            flag = true
            number = 3
            list = ["one", "two"]
            [a]
            "k=v" = "text with = in it"
            [empty]
            ["odd[1]"]
            x = 1
        };
        let expected = "[a]\nk\\=v=text with = in it\n\n[empty]\n\n[odd\\[1\\]]\nx=1\n\n\
                        [z]\nflag=true\nlist=one\nlist=two\nnumber=3\n";
        assert_eq!(ini(&data).unwrap(), expected);
        assert_eq!(ini(&toml::Table::new()).unwrap(), "");
    }

    #[test]
    fn what_has_no_section_or_goes_deeper_is_named() {
        let error = ini(&toml::toml! { a = 1 }).unwrap_err();
        assert_eq!(error.to_string(), "INI can't hold `a`: it has to stand in a section");
        let error = ini(&toml::toml! { a = { b = { c = 1 } } }).unwrap_err();
        assert_eq!(error.path, ["a", "b"]);
    }
}
