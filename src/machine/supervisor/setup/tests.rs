use super::super::environment::tests::plan;
use super::*;
use crate::machine::boot::tests::account;

pub(in super::super) fn unit(name: &str) -> PlanUnit {
    PlanUnit { command: vec!["/bin/true".to_owned()], ..PlanUnit::bare(name, &account("root", 0)) }
}

fn setup() -> Setup {
    Setup {
        plan: plan(),
        layout: Layout::new("/nowhere"),
        homes: BTreeMap::new(),
        environment: BTreeMap::new(),
        secrets: BTreeMap::from([("KEY".to_owned(), "geheim".to_owned())]),
        foreground: None,
        service: None,
        run: PathBuf::from("/nowhere"),
        store: "links".to_owned(),
        steps: Vec::new(),
        warnings: Vec::new(),
        started: Instant::now(),
    }
}

fn home(daemons: Vec<PlanUnit>, left_out: Option<&str>) -> Home {
    let manifest = Manifest {
        version: 1,
        user: "alice".to_owned(),
        files: BTreeMap::new(),
        session_variables: BTreeMap::new(),
        session_path: Vec::new(),
        backup_extension: None,
        daemons,
        packages: BTreeMap::new(),
    };
    let left_out = left_out.map(str::to_owned);
    Home { generation: "1".to_owned(), manifest: Some(manifest), skipped: Vec::new(), left_out }
}

fn told(units: &[Unit]) -> Vec<String> {
    let line = |unit: &Unit| {
        let PlanUnit { name, account, after, .. } = &unit.plan;
        format!("{name} as {} after {after:?}: {}", account.name, unit.obstacle.as_deref().unwrap_or("-"))
    };
    units.iter().map(line).collect()
}

#[test]
fn what_a_home_says_of_its_daemons_is_not_believed() {
    let mut setup = setup();
    setup.plan.daemons.push(unit("sync@alice"));
    let mut thief = unit("thief");
    thief.secrets = vec!["KEY".to_owned()];
    let mut notes = unit("notes@alice");
    notes.after = vec!["thief".to_owned(), "sshd".to_owned()];
    let daemons = vec![notes, thief, unit("../x"), unit("sync")];
    setup.homes.insert("alice".to_owned(), home(daemons, None));
    insta::assert_snapshot!(told(&setup.home_units("alice")).join("\n"), @r#"
    notes@alice as alice after ["thief@alice", "sshd"]: -
    thief@alice as alice after []: the secret KEY is not for daemons of this home: name it in the image's files
    "#);
    assert!(setup.home_units("root").is_empty());
    setup.homes.insert("alice".to_owned(), home((0..99).map(|n| unit(&format!("d{n}"))).collect(), None));
    assert_eq!(setup.home_units("alice").len(), MOST_OF_A_HOME);
}

#[test]
fn missing_secrets_and_left_out_users_say_what_to_do() {
    let mut setup = setup();
    let mut web = unit("web");
    (web.secrets, web.secret_files) = (vec!["KEY".to_owned()], vec!["CERT".to_owned()]);
    let mut sync = unit("sync@alice");
    sync.account = account("alice", 1000);
    setup.plan.daemons = vec![web, sync];
    setup.homes.insert("alice".to_owned(), home(vec![unit("own")], Some("its home belongs to 7")));
    insta::assert_snapshot!(told(&setup.units()).join("\n"), @r#"
    web as root after []: the secret CERT is missing; fly secrets set CERT=…, or docker run -e CERT
    sync@alice as alice after []: its home belongs to 7
    own@alice as alice after []: its home belongs to 7
    "#);
}

#[test]
fn secrets_reach_those_who_name_them() {
    let mut setup = setup();
    let mut web = unit("web");
    web.secrets = vec!["KEY".to_owned()];
    setup.plan.daemons = vec![web, unit("other")];
    let units = setup.units();
    assert_eq!(setup.environment_of(&units[0]).get("KEY").map(String::as_str), Some("geheim"));
    assert_eq!(setup.environment_of(&units[1]).get("KEY"), None);
}

#[test]
fn one_command_is_all_of_a_machine_for_it() {
    let mut setup = setup();
    setup.plan.daemons = vec![unit("web")];
    setup.service = Some(vec!["/r".to_owned()]);
    let command = vec!["git".to_owned(), "--version".to_owned()];
    setup.foreground = Some(Foreground { command, account: account("alice", 1000), daemons: false });
    let units = setup.units();
    assert_eq!(units.len(), 1);
    assert_eq!((units[0].plan.name.as_str(), units[0].role), (FOREGROUND_UNIT, Role::Foreground));
}
