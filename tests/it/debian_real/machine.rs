//! The machine in docker: each program does its job, for root and for alice.

use crate::clients::docker::{Daemon, wait_for};
use crate::clients::output;

use super::default_machine;

/// What must succeed as either user, and what it must print.
const JOBS: [(&str, &str); 17] = [
    (
        "git init -q r && cd r && echo hay > f && git add f && git -c user.name=a -c user.email=a@example.org commit -qm one && git log --oneline",
        "one",
    ),
    (
        "python3 -c 'import ssl, sqlite3; print(sqlite3.connect(\":memory:\").execute(\"select 6 * 7\").fetchone()[0])'",
        "42",
    ),
    ("echo hay > g && rg -c hay", "g:1"),
    ("touch needle && fd needle", "needle"),
    ("echo '[1, 2]' | jq add", "3"),
    ("vim --version", "VIM - Vi IMproved"),
    ("vim -es -c 'call setline(1, \"written\")' -c 'wq! text' ; cat text", "written"),
    ("tmux -V", "tmux "),
    ("tmux -L t new-session -d 'sleep 9' && tmux -L t list-sessions && tmux -L t kill-server", "1 windows"),
    ("htop --version", "htop "),
    ("ssh-keygen -q -t ed25519 -N '' -f key && ssh-keygen -lf key.pub", "(ED25519)"),
    ("echo x | less", "x"),
    ("ps aux", "http.server"),
    ("date; TZ=Europe/Berlin date", "CE"),
    ("echo xyz | gzip | file -", "gzip compressed data"),
    ("tar -cf t.tar /etc/passwd 2>/dev/null && xz t.tar && tar -tf t.tar.xz", "etc/passwd"),
    ("echo a b | awk '{ print $2 }' | sed s/b/c/", "c"),
];

/// The same for root alone.
const ROOTS: [(&str, &str); 5] = [
    ("ssh-keygen -A > /dev/null && /usr/sbin/sshd -t && echo fine", "fine"),
    ("dpkg -l git | tail -1", "ii  git"),
    ("dpkg --verify > v; dpkg --audit >> v; cat v; [ ! -s v ] && echo clean", "clean"),
    ("update-alternatives --query awk", "Value: /usr/bin/gawk"),
    ("a=$(ldconfig -p | sort); ldconfig; [ \"$a\" = \"$(ldconfig -p | sort)\" ] && echo same", "same"),
];

/// Answers one request over TLS with the certificate of /srv/tls, then asks curl, which trusts the bundled authority.
const TLS: &str = r#"cat > serve.py <<'PYTHON'
import http.server, ssl
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/srv/tls/server.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.handle_request()
PYTHON
mkfifo port; python3 serve.py > port & read port < port; curl -sS "https://localhost:$port/serve.py" | head -1; wait"#;

/// Prints every program or library that lacks a library.
const LDD: &str = r"find /usr -xdev -type f \( -perm /111 -o -name '*.so*' \) -exec ldd {} + 2>/dev/null | grep 'not found'; echo asked";

#[test]
fn the_machine_does_its_jobs() {
    let Some(machine) = default_machine() else { return };
    let Some(daemon) = Daemon::shared() else { return };
    daemon.load(&machine.archive.path);
    let container = output(daemon.docker().args(["run", "-d", "--rm", "--network=none", "machine:latest"]));
    let container = container.trim();
    let runs = |user: &str, script: &str| {
        let script = format!("cd $(mktemp -d) && {script}");
        output(daemon.docker().args(["exec", "-u", user, container, "sh", "-c", &script]))
    };
    let does = |user: &str, (script, expected): (&str, &str)| {
        let printed = runs(user, script);
        assert!(printed.contains(expected), "{user}: {script}\n{printed}");
    };
    let site = "curl -s http://localhost:8080/ || true";
    assert!(wait_for(|| runs("alice", site).contains("Three files made this machine").then_some(true)));
    for user in ["root", "alice"] {
        for job in JOBS {
            does(user, job);
        }
        does(user, (TLS, "import http.server, ssl"));
    }
    for job in ROOTS {
        does("root", job);
    }
    assert_eq!(runs("root", LDD), "asked\n");
    output(daemon.docker().args(["kill", container]));
}
