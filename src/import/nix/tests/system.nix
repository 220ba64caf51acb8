# The machine itself.
{ pkgs, lib, ... }:
let
  port = 8080;
in
{
  imageName = "lazycoder";

  packages = with pkgs; [
    bashInteractive
    coreutils
    openssl.dev
    python3Packages.requests # for the scripts
    (python3.withPackages (ps: [ ps.flask ]))
    nodejs_20 gnugrep gnused findutils gawk ripgrep fd
  ] ++ lib.optionals stdenv.isLinux [ strace ];

  entrypoint = {
    command = "python3 -m http.server 8080";
    user = "alice";
    port = 8080;
  };

  daemons = {
    sshd = { command = [ "${pkgs.openssh}/bin/sshd" "-D" "-e" ]; };
    cleanup.command = "while true; do sleep 60; done";
    sync = { command = "${pkgs.rsync}/bin/rsync -a /data /backup"; user = "*"; };
    metrics = { command = "metrics --port 9000"; user = [ "alice" "bob" ]; port = port; };
  };

  userRebuild = false;
}
