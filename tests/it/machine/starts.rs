//! A machine starts, does what it is told, and ends.

use super::container::Machine;

#[test]
fn other_commands_run_with_homes_and_give_their_exit_code() {
    let Some(machine) = Machine::new() else { return };
    machine.system(&[], "[entrypoint]\ncommand = [\"sleep\", \"100\"]\nuser = \"alice\"\n");
    machine.file("users.toml", "[alice]\nuid = 1000\n");
    let image = machine.load();
    let output = image.run(&[], &["sh", "-c", "id -un; echo $HOME; exit 7"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "alice\n/home/alice\n", "{output:?}");
    assert_eq!(output.status.code(), Some(7));
}
