//! htop: `.config/htop/htoprc`.
//!
//! What Home Manager gives as functions of Nix (`fields`, `leftMeters [ (bar "Memory") ]`) is data here: fields have their
//! names, meters are tables such as `{ bar = "Memory" }`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::findings::{Findings, Place, contribute, one_line, ordered};
use super::options::{OneOrMany, Package, Scalar};
use super::{Content, Context, Contribution, OptionError, Program};

const NAME: &str = "htop";

/// `programs.htop`.
pub(super) const HTOP: Program = Program {
    name: NAME,
    package: "htop",
    requests: |_| Vec::new(),
    contribute: |table, context| evaluate(table, context),
    is_shell: false,
};

/// The numbers that htop's file has for fields.
const FIELDS: [(&str, u8); 55] = [
    ("PID", 0),
    ("COMM", 1),
    ("STATE", 2),
    ("PPID", 3),
    ("PGRP", 4),
    ("SESSION", 5),
    ("TTY_NR", 6),
    ("TPGID", 7),
    ("MINFLT", 9),
    ("CMINFLT", 10),
    ("MAJFLT", 11),
    ("CMAJFLT", 12),
    ("UTIME", 13),
    ("STIME", 14),
    ("CUTIME", 15),
    ("CSTIME", 16),
    ("PRIORITY", 17),
    ("NICE", 18),
    ("STARTTIME", 20),
    ("PROCESSOR", 37),
    ("M_SIZE", 38),
    ("M_RESIDENT", 39),
    ("M_SHARE", 40),
    ("M_TRS", 41),
    ("M_DRS", 42),
    ("M_LRS", 43),
    ("M_DT", 44),
    ("ST_UID", 45),
    ("PERCENT_CPU", 46),
    ("PERCENT_MEM", 47),
    ("USER", 48),
    ("TIME", 49),
    ("NLWP", 50),
    ("TGID", 51),
    ("PERCENT_NORM_CPU", 52),
    ("ELAPSED", 53),
    ("CTID", 99),
    ("VPID", 100),
    ("VXID", 102),
    ("RCHAR", 102),
    ("WCHAR", 103),
    ("SYSCR", 104),
    ("SYSCW", 105),
    ("RBYTES", 106),
    ("WBYTES", 107),
    ("CNCLWB", 108),
    ("IO_READ_RATE", 109),
    ("IO_WRITE_RATE", 110),
    ("IO_RATE", 111),
    ("CGROUP", 112),
    ("OOM", 113),
    ("IO_PRIORITY", 114),
    ("M_PSS", 118),
    ("M_SWAP", 119),
    ("M_PSSWP", 120),
];

/// The fields where nothing is said of them.
const DEFAULT_FIELDS: &str = "0 48 17 18 38 39 40 2 46 47 49 1";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct TomlHtop {
    #[serde(rename = "enable")]
    _enable: Option<IgnoredAny>,
    #[serde(rename = "package")]
    _package: Option<Package>,
    #[serde(default)]
    settings: BTreeMap<String, TomlValue>,
    left_meters: Option<Vec<TomlMeter>>,
    right_meters: Option<Vec<TomlMeter>>,
    #[serde(default)]
    screens: BTreeMap<String, TomlScreen>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged, expecting = "a text, a number, `true`, `false`, or a list of texts and numbers")]
enum TomlValue {
    One(Scalar),
    Many(Vec<Scalar>),
}

/// A meter, by the way it is drawn.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum TomlMeter {
    Bar(String),
    Text(String),
    Graph(String),
    Led(String),
    /// `{ blank = true }`
    Blank(IgnoredAny),
}

impl TomlMeter {
    fn parts(&self) -> (&str, i64) {
        match self {
            Self::Bar(name) => (name, 1),
            Self::Text(name) => (name, 2),
            Self::Graph(name) => (name, 3),
            Self::Led(name) => (name, 4),
            Self::Blank(_) => ("Blank", 2),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlScreen {
    name: Option<String>,
    fields: Option<OneOrMany>,
    #[serde(default)]
    all_branches_collapsed: bool,
    #[serde(default = "descending")]
    sort_direction: i64,
    sort_key: Option<String>,
    #[serde(default = "descending")]
    tree_sort_direction: i64,
    tree_sort_key: Option<String>,
    #[serde(default)]
    tree_view: bool,
    #[serde(default)]
    tree_view_always_by_pid: bool,
    #[serde(default)]
    after: Vec<String>,
    #[serde(default)]
    before: Vec<String>,
}

fn descending() -> i64 {
    -1
}

fn evaluate(table: &toml::Table, _: &Context<'_>) -> (Contribution, Vec<OptionError>) {
    contribute(NAME, table, |htop: &TomlHtop, findings| {
        let settings = settings(htop, findings);
        if settings.is_empty() && htop.screens.is_empty() {
            return Contribution::default();
        }
        // htop reads what follows by the layout of the header: it goes first.
        let leading = settings.get_key_value("header_layout");
        let rest = settings.iter().filter(|(name, _)| *name != "header_layout");
        let mut lines: Vec<String> =
            leading.into_iter().chain(rest).map(|(name, value)| format!("{name}={value}")).collect();
        lines.extend(screens(&htop.screens, findings));
        if !lines.iter().all(|line| one_line(line)) {
            findings.error(&["settings"], "a setting is one line", "take the line break out");
        }
        let text = lines.into_iter().map(|line| line + "\n").collect();
        let files = [(".config/htop/htoprc".to_owned(), (Content::Text(text), false))].into();
        Contribution { files, ..Contribution::default() }
    })
}

/// All settings as htop's file has them: lists with blanks between, truth as `1` and `0`.
fn settings(htop: &TomlHtop, findings: &mut Findings) -> BTreeMap<String, String> {
    let mut settings: BTreeMap<String, String> = BTreeMap::new();
    for (side, meters) in [("left", &htop.left_meters), ("right", &htop.right_meters)] {
        let Some(meters) = meters else { continue };
        let parts: Vec<(&str, i64)> = meters.iter().map(TomlMeter::parts).collect();
        settings.insert(format!("{side}_meters"), joined(parts.iter().map(|(name, _)| name)));
        settings.insert(format!("{side}_meter_modes"), joined(parts.iter().map(|(_, mode)| mode)));
    }
    for (name, value) in &htop.settings {
        let text = match value {
            TomlValue::Many(fields) if name == "fields" => joined(fields.iter().map(|field| number(field, findings))),
            TomlValue::Many(values) => joined(values.iter().map(scalar)),
            TomlValue::One(value) => scalar(value),
        };
        settings.insert(name.clone(), text);
    }
    if !settings.is_empty() && htop.screens.is_empty() {
        settings.entry("fields".to_owned()).or_insert_with(|| DEFAULT_FIELDS.to_owned());
    }
    settings
}

fn scalar(value: &Scalar) -> String {
    match value {
        Scalar::Bool(value) => u8::from(*value).to_string(),
        value => value.to_string(),
    }
}

/// A field's number; a field that has its number already keeps it.
fn number(field: &Scalar, findings: &mut Findings) -> String {
    let Scalar::Text(name) = field else { return scalar(field) };
    if let Some((_, number)) = FIELDS.iter().find(|(known, _)| known == name) {
        return number.to_string();
    }
    let near = crate::config::nearest(name, FIELDS.iter().map(|(known, _)| *known));
    let help = near.map_or_else(
        || "write the number that htop itself writes into its htoprc".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    findings.error(&["settings", "fields"], &format!("there is no field `{name}`"), &help);
    String::new()
}

fn joined(values: impl Iterator<Item = impl ToString>) -> String {
    values.map(|value| value.to_string()).collect::<Vec<_>>().join(" ")
}

fn screens(screens: &BTreeMap<String, TomlScreen>, findings: &mut Findings) -> Vec<String> {
    let place = |screen: &TomlScreen| Place { after: screen.after.clone(), before: screen.before.clone() };
    let places = screens.iter().map(|(name, screen)| (name.clone(), place(screen))).collect();
    let order = ordered(&places).unwrap_or_else(|circle| {
        let help = "take one of their `after` or `before` out";
        findings.error(&["screens"], &format!("these wait for one another: {}", circle.join(", ")), help);
        Vec::new()
    });
    order.iter().filter_map(|name| screens.get(name).map(|screen| lines(name, screen))).flatten().collect()
}

fn lines(name: &str, screen: &TomlScreen) -> Vec<String> {
    let fields = screen.fields.as_ref().map_or_else(
        || "PID USER M_VIRT STATE PERCENT_CPU PERCENT_MEM TIME Command".to_owned(),
        |fields| fields.as_slice().join(" "),
    );
    let truth = |value: bool| Some(u8::from(value).to_string());
    let options = [
        ("all_branches_collapsed", truth(screen.all_branches_collapsed)),
        ("sort_direction", Some(screen.sort_direction.to_string())),
        ("sort_key", screen.sort_key.clone()),
        ("tree_sort_direction", Some(screen.tree_sort_direction.to_string())),
        ("tree_sort_key", screen.tree_sort_key.clone()),
        ("tree_view", truth(screen.tree_view)),
        ("tree_view_always_by_pid", truth(screen.tree_view_always_by_pid)),
    ];
    let head = format!("screen:{}={fields}", screen.name.as_deref().unwrap_or(name));
    let options = options.into_iter().filter_map(|(key, value)| Some(format!(".{key}={}", value?)));
    std::iter::once(head).chain(options).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{evaluated, text};
    use super::*;

    const FILE: &str = ".config/htop/htoprc";

    #[test]
    fn fields_and_meters_by_their_names() {
        let (contribution, findings) = evaluated(
            &HTOP,
            "leftMeters = [{ bar = 'AllCPUs2' }, { bar = 'Memory' }, { bar = 'Swap' }, { text = 'Zram' }]\n\
             rightMeters = [{ text = 'Tasks' }, { graph = 'LoadAverage' }, { led = 'Uptime' }, { blank = true }]\n\
             [settings]\ncolor_scheme = 6\ndelay = 15\nhighlight_base_name = true\nheader_layout = 'two_50_50'\n\
             fields = ['PID', 'USER', 17, 'NICE', 'M_SIZE', 'M_RESIDENT', 'M_SHARE', 'STATE', 'PERCENT_CPU', \
             'PERCENT_MEM', 'TIME', 'COMM']",
        );
        assert!(findings.is_empty());
        let expected = "header_layout=two_50_50\ncolor_scheme=6\ndelay=15\nfields=0 48 17 18 38 39 40 2 46 47 49 1\n\
                        highlight_base_name=1\nleft_meter_modes=1 1 1 2\nleft_meters=AllCPUs2 Memory Swap Zram\n\
                        right_meter_modes=2 3 4 2\nright_meters=Tasks LoadAverage Uptime Blank\n";
        assert_eq!(text(&contribution, FILE), expected);
    }

    /// Columns by htop's newer names, after the layout that they are read by.
    #[test]
    fn the_layout_of_the_header_goes_first() {
        let (contribution, _) = evaluated(
            &HTOP,
            "[settings]\nheader_layout = 'two_50_50'\ncolumn_meters_0 = ['AllCPUs2', 'Zram']\n\
             column_meters_modes_0 = [1, 2]\ncolumn_meters_1 = ['Tasks', 'Uptime']\ncolumn_meters_modes_1 = [2, 2]",
        );
        let expected = "header_layout=two_50_50\ncolumn_meters_0=AllCPUs2 Zram\ncolumn_meters_1=Tasks Uptime\n\
                        column_meters_modes_0=1 2\ncolumn_meters_modes_1=2 2\n";
        assert_eq!(text(&contribution, FILE), format!("{expected}fields={DEFAULT_FIELDS}\n"));
    }

    #[test]
    fn fields_are_home_managers_where_none_are_said() {
        let (contribution, _) = evaluated(&HTOP, "settings.tree_view = false");
        assert_eq!(text(&contribution, FILE), format!("fields={DEFAULT_FIELDS}\ntree_view=0\n"));
        let (contribution, _) = evaluated(&HTOP, "enable = true");
        assert_eq!(contribution, Contribution::default());
    }

    #[test]
    fn screens_come_in_their_order() {
        let (contribution, findings) = evaluated(
            &HTOP,
            "settings.screen_tabs = true\n\
             [screens.Main]\nfields = 'PID USER Command'\nsort_key = 'PERCENT_MEM'\ntree_sort_key = 'PID'\n\
             [screens.'I/O']\nfields = ['PID', 'IO_RATE']\nsort_key = 'IO_RATE'\nafter = ['Main']\ntree_view = true\n",
        );
        assert!(findings.is_empty());
        let expected = "screen_tabs=1\nscreen:Main=PID USER Command\n.all_branches_collapsed=0\n.sort_direction=-1\n\
                        .sort_key=PERCENT_MEM\n.tree_sort_direction=-1\n.tree_sort_key=PID\n.tree_view=0\n\
                        .tree_view_always_by_pid=0\nscreen:I/O=PID IO_RATE\n.all_branches_collapsed=0\n\
                        .sort_direction=-1\n.sort_key=IO_RATE\n.tree_sort_direction=-1\n.tree_view=1\n\
                        .tree_view_always_by_pid=0\n";
        assert_eq!(text(&contribution, FILE), expected);
    }

    #[test]
    fn what_can_not_be_is_named() {
        let (_, findings) = evaluated(&HTOP, "settings.fields = ['PIDD']");
        assert_eq!(findings[0].message, "`programs.htop.settings.fields`: there is no field `PIDD`");
        assert_eq!(findings[0].help.as_deref(), Some("did you mean `PID`?"));
        let (_, findings) = evaluated(&HTOP, "screens.a.after = ['b']\nscreens.b.after = ['a']");
        assert!(findings[0].message.ends_with("these wait for one another: a, b"));
    }
}
