use proptest::prelude::*;

use super::*;

fn layer(file: &str, text: &str) -> Layer {
    Layer { file: file.to_owned(), table: toml::from_str(text).unwrap(), places: Places::default() }
}

fn merged(texts: &[&str]) -> Merged {
    let names = ["home.toml", "users.toml", "own.toml"];
    merge(&texts.iter().zip(names).map(|(text, name)| layer(name, text)).collect::<Vec<_>>())
}

fn table(text: &str) -> toml::Table {
    toml::from_str(text).unwrap()
}

#[test]
fn each_kind_of_value_has_its_way() {
    let merged = merged(&[
        "packages = ['git', 'fd']\nsessionVariables.A = '1'\n\
         [programs.bash]\nenable = true\ninitExtra = 'one'\nhistoryIgnore = ['ls']\n\
         [programs.git.settings]\nlist = [1, 2]\nuser.name = 'A'\n\
         [programs.tmux]\nplugins = ['p']\n\
         [file.x]\ntext = 'x'\nforce = true\n\
         [file.y]\njson = { a = [1], b = 1 }\n\
         [daemons.d]\ncommand = ['a', 'b']\nready = { port = 1 }\n",
        "packages = ['jq', 'git']\nsessionVariables.A = '2'\n\
         [programs.bash]\ninitExtra = 'two'\nhistoryIgnore = ['ls', 'cd']\n\
         [programs.git.settings]\nlist = [3]\n\
         [programs.tmux]\nplugins = ['q', 'p']\n\
         [file.x]\nsource = './x'\n\
         [file.y]\njson = { a = [2] }\n\
         [daemons.d]\ncommand = ['c']\nready = { notify = true }\n",
    ]);
    let expected = table(
        "packages = ['git', 'fd', 'jq']\nsessionVariables.A = '2'\n\
         [programs.bash]\nenable = true\ninitExtra = \"one\\ntwo\"\nhistoryIgnore = ['ls', 'ls', 'cd']\n\
         [programs.git.settings]\nlist = [3]\nuser.name = 'A'\n\
         [programs.tmux]\nplugins = ['p', 'q']\n\
         [file.x]\nsource = './x'\nforce = true\n\
         [file.y]\njson = { a = [2], b = 1 }\n\
         [daemons.d]\ncommand = ['c']\nready = { notify = true }\n",
    );
    assert_eq!(merged.table, expected);
    let origin = |path: &[&str]| {
        let origins = merged.origins.get(path.iter().copied()).unwrap_or_else(|| panic!("{path:?}"));
        origins.own.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(origin(&["packages", "1"]), "home.toml");
    assert_eq!(origin(&["packages", "2"]), "users.toml");
    assert_eq!(origin(&["sessionVariables", "A"]), "users.toml");
    assert_eq!(origin(&["programs", "bash", "initExtra"]), "home.toml users.toml");
    assert_eq!(origin(&["programs", "bash", "enable"]), "home.toml");
    assert_eq!(origin(&["programs", "git", "settings", "list", "0"]), "users.toml");
    assert!(merged.origins.get(["programs", "git", "settings", "list", "1"]).is_none());
    assert!(merged.origins.get(["file", "x", "text"]).is_none());
}

#[test]
fn without_takes_out_of_earlier_layers_only() {
    let merged = merged(&[
        "packages = ['git', 'fd', 'jq']\ndaemons.d.command = ['d']\n\
         [programs.tmux]\nplugins = ['p', { plugin = 'q', extraConfig = 'x' }]\n",
        "without = ['fd', 'd', 'q', 'typo']\npackages = ['fd']\n",
    ]);
    assert_eq!(merged.table["packages"], toml::Value::from(vec!["git", "jq", "fd"]));
    assert_eq!(merged.origins.get(["packages", "1"]).unwrap().own[0].to_string(), "home.toml");
    assert_eq!(merged.origins.get(["packages", "2"]).unwrap().own[0].to_string(), "users.toml");
    assert_eq!(merged.table["daemons"], toml::Value::Table(toml::Table::new()));
    assert_eq!(merged.table["programs"]["tmux"]["plugins"], toml::Value::from(vec!["p"]));
    assert_eq!(merged.unmatched.iter().map(|unmatched| &unmatched.name).collect::<Vec<_>>(), ["typo"]);
    assert!(!merged.table.contains_key("without"));
}

#[test]
fn who_does_not_inherit_begins_anew() {
    let merged = merged(&[
        "packages = ['git']\n",
        "inherit = false\nwithout = ['x']\npackages = ['jq']\n",
        "shellAliases.l = 'ls'\n",
    ]);
    assert_eq!(merged.table, table("packages = ['jq']\nshellAliases.l = 'ls'\n"));
    assert_eq!(merged.unmatched, []);
}

/// Layers in which a path always has a value of the same type, as checked homes have them.
fn any_layer() -> impl Strategy<Value = toml::Table> {
    let words = || prop::collection::vec("[a-d]", 0..4).prop_map(toml::Value::from);
    let unique = || {
        prop::collection::btree_set("[a-d]", 0..4)
            .prop_map(|set| toml::Value::from(set.into_iter().collect::<Vec<_>>()))
    };
    let programs = (
        prop::option::of(unique()),
        prop::option::of(words()),
        prop::option::of("[a-c]{1,3}"),
        prop::option::of(words()),
    );
    let program = programs.prop_map(|(plugins, flags, text, free)| {
        let mut table = toml::Table::new();
        let mut put = |key: &str, value: Option<toml::Value>| value.map(|value| table.insert(key.to_owned(), value));
        put("plugins", plugins);
        put("flags", flags);
        put("initExtra", text.map(toml::Value::from));
        put("settings", free.map(|free| toml::Value::Table([("list".to_owned(), free)].into_iter().collect())));
        toml::Value::Table(table)
    });
    let programs = prop::collection::btree_map("[xy]", program, 0..3);
    let variables = prop::collection::btree_map("[AB]", 0..9_i64, 0..3);
    (unique(), programs, variables).prop_map(|(packages, programs, variables)| {
        let mut table = toml::Table::new();
        table.insert("packages".to_owned(), packages);
        table.insert("programs".to_owned(), toml::Value::Table(programs.into_iter().collect()));
        let variables = variables.into_iter().map(|(key, value)| (key, value.into())).collect();
        table.insert("sessionVariables".to_owned(), toml::Value::Table(variables));
        table
    })
}

fn named(file: &str, table: toml::Table) -> Layer {
    Layer { file: file.to_owned(), table, places: Places::default() }
}

/// Every scalar, empty list and empty table has an origin, and no origin is of what is not there.
fn all_have_origins(value: &toml::Value, origins: &Origins) -> bool {
    let same = |keys: Vec<String>| keys.iter().eq(origins.inner.keys());
    match value {
        toml::Value::Table(table) => {
            let mut keys: Vec<String> = table.keys().cloned().collect();
            keys.sort();
            same(keys) && table.iter().all(|(key, value)| all_have_origins(value, &origins.inner[key]))
        }
        toml::Value::Array(values) => {
            let mut keys: Vec<String> = (0..values.len()).map(|index| index.to_string()).collect();
            keys.sort();
            same(keys) && origins.inner.values().all(|item| item.own.len() == 1)
        }
        _ => !origins.own.is_empty(),
    }
}

proptest! {
    #[test]
    fn it_does_not_matter_which_two_are_merged_first(one in any_layer(), two in any_layer(), three in any_layer()) {
        let all = merge(&[named("1", one.clone()), named("2", two.clone()), named("3", three.clone())]).table;
        let left = merge(&[named("1", one.clone()), named("2", two.clone())]).table;
        prop_assert_eq!(&merge(&[named("12", left), named("3", three.clone())]).table, &all);
        let right = merge(&[named("2", two), named("3", three)]).table;
        prop_assert_eq!(&merge(&[named("1", one), named("23", right)]).table, &all);
    }

    #[test]
    fn a_layer_alone_stays_as_it_is(one in any_layer()) {
        let alone = merge(&[named("1", one.clone())]).table;
        prop_assert_eq!(&alone, &one);
        prop_assert_eq!(merge(&[named("0", toml::Table::new()), named("1", one.clone()), named("2", toml::Table::new())]).table, one);
    }

    #[test]
    fn what_unites_or_replaces_can_be_said_twice(one in any_layer()) {
        let twice = merge(&[named("1", one.clone()), named("2", one.clone())]).table;
        prop_assert_eq!(&twice["packages"], &one["packages"]);
        prop_assert_eq!(&twice["sessionVariables"], &one["sessionVariables"]);
        for (name, program) in one["programs"].as_table().unwrap() {
            prop_assert_eq!(twice["programs"][name].get("settings"), program.get("settings"));
            prop_assert_eq!(twice["programs"][name].get("plugins"), program.get("plugins"));
        }
    }

    #[test]
    fn everything_has_an_origin(layers in prop::collection::vec(any_layer(), 1..4)) {
        let layers: Vec<_> = layers.into_iter().enumerate().map(|(index, table)| named(&index.to_string(), table)).collect();
        let merged = merge(&layers);
        prop_assert!(all_have_origins(&toml::Value::Table(merged.table), &merged.origins));
    }
}
