//! Boot, killed at any moment: the next one is whole.

use super::container::{MOUNT, Machine};

/// Boots and kills all of it at moments that differ, again and again; then lets one stand. `DUMBC_TEST_KILLS` says how often.
const SCRIPT: &str = r"
n=0
while [ $n -lt $KILLS ]; do
    BEGIN
    pid=$!
    busybox usleep $(( (RANDOM * 13) % 300000 ))
    kill -9 $pid
    AFTER
    wait $pid 2>/dev/null
    n=$((n+1))
done
exec dumbc boot --
";

#[test]
fn the_next_boot_is_whole() {
    let Some(machine) = Machine::new() else { return };
    let tables =
        "[entrypoint]\ncommand = [\"sleep\", \"1000\"]\nuser = \"alice\"\n[persist]\npaths = [\"/var/lib/kept\"]\n";
    machine.system(&[], tables).file("users.toml", "[alice]\nuid = 1000\n[bob]\nuid = 1001\n");
    let files: Vec<String> = (0..50).map(|n| format!("file.\"d{}/f{n}\".text = \"{n}\"", n % 7)).collect();
    machine.file("home.toml", &files.join("\n"));
    let image = machine.load();
    let kills = std::env::var("DUMBC_TEST_KILLS").unwrap_or_else(|_| "10".to_owned());
    // With the right to mount each boot has namespaces of its own, as containers do: their end unmounts, and ends all processes.
    let own = "busybox unshare -m -p -f sh -c 'busybox mount -t proc proc /proc; exec dumbc boot --' &";
    let ways =
        [("killed-links", &[][..], "dumbc boot -- &", "kill -9 -1"), ("killed-overlay", &MOUNT[..], own, "kill -9 -1")];
    for (volume, options, begin, after) in ways {
        let script = SCRIPT.replace("BEGIN", begin).replace("AFTER", after).replace("$KILLS", &kills);
        let volume = format!("{volume}:/data");
        let options = [options, &["-v", &volume, "--entrypoint", "sh"]].concat();
        let container = image.start_with(&options, &["-c", &script]);
        assert!(container.soon("grep -q dumbc /proc/1/comm && dumbc machine status && test -e /home/bob/d6/f48"));
        let status = container.exec("0", &["dumbc", "machine", "status", "--all", "--json"]);
        let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
        assert_eq!(status["warnings"], serde_json::json!([]), "{status:#}");
        for user in ["alice", "bob"] {
            let files = container.shell(user, "cat ~/d*/f* | wc -c; ls ~ | wc -l");
            assert_eq!(files, "90\n7\n", "{user}");
        }
        let leftovers = container.exec("0", &["sh", "-c", "ls -A /data/nix/store /data/dumbc /data/dumbc/users/alice"]);
        assert!(!String::from_utf8_lossy(&leftovers.stdout).contains(".new"), "{leftovers:?}");
    }
}
