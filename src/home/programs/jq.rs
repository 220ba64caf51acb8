//! jq: the colours of its output.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::findings::{Findings, contribute};
use super::options::Package;
use super::{Context, Contribution, OptionError, Program};

const NAME: &str = "jq";

/// `programs.jq`.
pub(super) const JQ: Program = Program {
    name: NAME,
    package: "jq",
    requests: |_| Vec::new(),
    contribute: |table, context| evaluate(table, context),
    is_shell: false,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlJq {
    #[serde(rename = "enable")]
    _enable: Option<IgnoredAny>,
    #[serde(rename = "package")]
    _package: Option<Package>,
    #[serde(default)]
    colors: TomlColors,
}

/// Colours as `JQ_COLORS` has them, such as `1;30`: its fields in its order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct TomlColors {
    null: String,
    r#false: String,
    r#true: String,
    numbers: String,
    strings: String,
    arrays: String,
    objects: String,
    object_keys: String,
}

impl Default for TomlColors {
    fn default() -> Self {
        let [grey, white, green, bold, blue] = ["1;30", "0;37", "0;32", "1;37", "1;34"].map(str::to_owned);
        Self {
            null: grey,
            r#false: white.clone(),
            r#true: white.clone(),
            numbers: white,
            strings: green,
            arrays: bold.clone(),
            objects: bold,
            object_keys: blue,
        }
    }
}

impl TomlColors {
    fn fields(&self) -> [(&'static str, &String); 8] {
        [
            ("null", &self.null),
            ("false", &self.r#false),
            ("true", &self.r#true),
            ("numbers", &self.numbers),
            ("strings", &self.strings),
            ("arrays", &self.arrays),
            ("objects", &self.objects),
            ("objectKeys", &self.object_keys),
        ]
    }
}

fn evaluate(table: &toml::Table, _: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    contribute(NAME, table, |jq: &TomlJq, findings| {
        let fields = jq.colors.fields();
        for (name, color) in fields {
            check(name, color, findings);
        }
        let value = fields.map(|(_, color)| color.as_str()).join(":");
        Contribution { session_variables: [("JQ_COLORS".to_owned(), value)].into(), ..Contribution::default() }
    })
}

/// jq takes no colour at all of a variable that it can't read whole, and says so at every call.
fn check(name: &str, color: &str, findings: &mut Findings) {
    if !color.chars().all(|character| character.is_ascii_digit() || character == ';') {
        findings.error(&["colors", name], "a colour is numbers with `;` between them", "write it as `\"0;32\"`");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::evaluated;
    use super::*;

    #[test]
    fn home_managers_colors_stand_where_none_are_said() {
        let (contribution, findings) = evaluated(&JQ, "enable = true");
        assert_eq!(contribution.session_variables["JQ_COLORS"], "1;30:0;37:0;37:0;37:0;32:1;37:1;37:1;34");
        assert!(findings.is_empty());
    }

    #[test]
    fn own_colors_stand_in_jqs_order() {
        let (contribution, _) = evaluated(&JQ, "colors = { true = '0;32', objectKeys = '1;34' }");
        assert_eq!(contribution.session_variables["JQ_COLORS"], "1;30:0;37:0;32:0;37:0;32:1;37:1;37:1;34");
    }

    #[test]
    fn what_is_no_color_is_refused() {
        let (contribution, findings) = evaluated(&JQ, "colors.null = 'red'");
        assert_eq!(contribution, Contribution::default());
        assert_eq!(findings[0].path, ["colors", "null"]);
        let (_, findings) = evaluated(&JQ, "colors.object = '1'");
        assert_eq!(findings[0].help.as_deref(), Some("did you mean `objects`?"));
    }
}
