#!/usr/bin/env bash
# What booting a machine costs, in docker: three users, three daemons and an entrypoint, beside the same image without `dumbc boot`,
# and beside other programs that start daemons, as far as this machine has them. Prints milliseconds and ratios.
#
#   benches/boot.sh
#
# Needs: dumbc (or DUMBC), a runtime of .ci/runtime (or RUNTIME), docker and dockerd, busybox, python3, root. A docker daemon of
# its own is started in a temporary folder, and ended.
set -euo pipefail
cd "$(dirname "$0")/.."
dumbc=$(realpath "${DUMBC:-target/$(rustc -vV | sed -n 's/host: //p')/release/dumbc}")
runtime=$(realpath "${RUNTIME:-target/runtimes/dumbc-runtime-$(uname -m)-linux}")
runs=${RUNS:-7}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/dumbc-boot.XXXXXX")
unset CI
export DUMBC_STORE=$work/store
export "DUMBC_RUNTIME_$(uname -m | tr '[:lower:]' '[:upper:]')_LINUX=$runtime"
mount=(--cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined)
pids=()
end() {
  for pid in "${pids[@]}"; do kill "$pid" && wait "$pid" || true; done 2>/dev/null
  umount "$work/exec/netns/default" 2>/dev/null || true
  rm -rf "$work"
}
trap end EXIT

dockerd --data-root "$work/docker" --exec-root "$work/exec" --pidfile "$work/pid" --iptables=false --ip6tables=false --bridge=none \
  -H "unix://$work/sock" >"$work/dockerd.log" 2>&1 &
pids+=($!)
export DOCKER_HOST=unix://$work/sock DOCKER_CONFIG=$work/config
until docker version >/dev/null 2>&1; do kill -0 "${pids[0]}" || { tail -3 "$work/dockerd.log"; exit 1; }; sleep 0.1; done

# --- A cache that a web server of this machine serves, and images of it. ---

mkdir -p "$work/busybox/bin" "$work/more/bin" "$work/project"
cp "$(command -v busybox)" "$work/busybox/bin/busybox"
for applet in sh sleep cat ls test true; do ln -s busybox "$work/busybox/bin/$applet"; done
head -c 100000 /dev/urandom >"$work/more/bin/more"
chmod +x "$work/more/bin/more"
key=$("$dumbc" cache keygen bench-1 --output "$work/key" 2>/dev/null)
for name in busybox more; do
  "$dumbc" cache add "$work/$name" --name "$name" --to "$work/cache" --key "$work/key" >/dev/null 2>&1
done
python3 - "$work" <<'PYTHON' &
import functools, http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *arguments): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=sys.argv[1] + "/cache"))
open(sys.argv[1] + "/port.new", "w").write(str(server.server_address[1]))
import os; os.rename(sys.argv[1] + "/port.new", sys.argv[1] + "/port")
server.serve_forever()
PYTHON
pids+=($!)
until [ -f "$work/port" ]; do sleep 0.1; done
address=http://127.0.0.1:$(cat "$work/port")

write() { # NAME BOOT COMMAND
  cat >"$work/project/system.toml" <<TOML
channel = "bench"
packages = ["busybox"]
[channels.bench]
index = "$address/index.jsonl"
index-hash = "sha256:$(sha256sum <"$work/cache/index.jsonl" | cut -d' ' -f1)"
caches = ["$address"]
keys = ["$key"]
[image]
name = "$1"
[boot]
enable = $2
[entrypoint]
command = $3
TOML
}
image() { # builds and loads what is written
  "$dumbc" -q -C "$work/project" build --format docker-archive --compression none -o "$work/image.tar" >/dev/null
  docker load -q -i "$work/image.tar" >/dev/null
  rm "$work/image.tar"
}

# Three users with homes that have something in them; three daemons, of which one is ready when it says so.
write machine true '["sleep", "1000"]'
cat >>"$work/project/system.toml" <<'TOML'
user = "alice"
[daemons.one]
command = ["sleep", "1000"]
[daemons.two]
command = ["sleep", "1000"]
user = "bob"
[daemons.three]
command = ["sleep", "1000"]
user = "carol"
after = ["one", "two"]
TOML
printf '[%s]\nuid = %d\n' alice 1001 bob 1002 carol 1003 >"$work/project/users.toml"
cat >"$work/project/home.toml" <<'TOML'
packages = ["busybox"]
[sessionVariables]
EDITOR = "vi"
[shellAliases]
ll = "ls -l"
[programs.bash]
enable = true
package = false
[programs.git]
enable = true
package = false
settings = { user = { name = "Somebody" } }
[file.".config/tool/settings"]
text = "colour = yes\n"
TOML
image
# The same without: nobody is served, the entrypoint is the container's process.
rm "$work/project/home.toml"
write plain false '["sleep", "1000"]'
echo 'user = "alice"' >>"$work/project/system.toml"
image

# --- Times. ---

now() { date +%s%N; }
best() { sort -n | head -1; }
median() { sort -n | sed -n "$(((runs + 1) / 2))p"; }
ratio() { echo "scale=2; $1 / $2" | bc -l | sed 's/^\./0./'; }

# Milliseconds from `docker run` to its end, the container's own work included.
whole() { # OPTIONS… IMAGE COMMAND…
  for _ in $(seq "$runs"); do
    local begin
    begin=$(now)
    docker run --rm --network=none "$@" >/dev/null 2>"$work/stderr" || { cat "$work/stderr" >&2; return 1; }
    echo $((($(now) - begin) / 1000000))
  done
}

# Steps of one start: `name microseconds` a line, with `all` from the first to the start of the foreground.
steps() { # OPTIONS…
  local id
  id=$(docker run -d --network=none "$@" machine)
  until docker exec "$id" dumbc machine status --json 2>/dev/null >"$work/status" && grep -q '"entrypoint"' "$work/status"; do sleep 0.05; done
  python3 - "$work/status" <<'PYTHON'
import json, sys
status = json.load(open(sys.argv[1]))
status = status.get("ok", status)
for step in status["steps"]:
    print(step["name"].replace(" ", "-"), step["microseconds"])
print("sum", sum(step["microseconds"] for step in status["steps"]))
unit = next(unit for unit in status["units"] if unit["name"] == "entrypoint")
print("way", status["store"])
print("foreground-after-ms", status["uptime"] - unit["since"])
PYTHON
  docker rm -f "$id" >/dev/null
}
own() { # LABEL OPTIONS…
  local label=$1
  shift
  for _ in $(seq "$runs"); do
    steps "$@" >"$work/steps"
    echo "$(awk '$1 == "sum" { print $2 }' "$work/steps") $(tr '\n' ' ' <"$work/steps")"
  done | sort -n >"$work/all"
  sed -n "$(((runs + 1) / 2))p" "$work/all" >"$work/line"
  printf '%-52s %7.1f ms   %s\n' "$label" "$(echo "$(cut -d' ' -f1 "$work/line") / 1000" | bc -l)" "$(cut -d' ' -f2- "$work/line")"
}

volume() { # NAME PATHS: a volume with so many packages on it
  docker volume create "$1" >/dev/null
  local place
  place=$(docker volume inspect -f '{{.Mountpoint}}' "$1")
  mkdir -p "$place/nix/store" "$place/dumbc/registered"
  seq -f '%032.0f-package' "$2" | (cd "$place/nix/store" && xargs -r mkdir)
  seq -f '%032.0f-package' "$2" | (cd "$place/dumbc/registered" && xargs -r touch)
}

echo "$(nproc) cores, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | sed 's/^ //'), $(docker --version), load $(cut -d' ' -f1 /proc/loadavg)"
echo "runtime: $(stat -c %s "$runtime") bytes; median of $runs runs; steps in microseconds"
volume small 0
volume large 10000
volume large-mount 10000
docker run --rm --network=none -v small:/data machine true 2>/dev/null
own "own work, no volume" 
own "own work, warm" -v small:/data
own "own work, warm, with the right to mount" -v small:/data "${mount[@]}"
own "10,000 packages on the volume, warm" -v large:/data
own "10,000 packages, with the right to mount" -v large-mount:/data "${mount[@]}"

plain=$(whole plain true | median)
machine=$(whole -v small:/data machine true | median)
printf '%-52s %7d ms\n' "docker run … true, without dumbc boot" "$plain"
printf '%-52s %7d ms   %s\n' "docker run … true, through dumbc boot" "$machine" "$(ratio "$machine" "$plain") of it; $((machine - plain)) ms more"

# --- A package more, in a machine that runs. ---

id=$(docker run -d --network=host -v rebuilt:/data machine)
inside() { docker exec "$id" dumbc shell alice -- "$@"; }
until inside sh -c 'test -S /run/dumbc/store.sock' 2>/dev/null; do sleep 0.05; done
for number in $(seq "$runs"); do
  begin=$(now)
  inside sh -c 'dumbc add more' >"$work/told" 2>&1 || { cat "$work/told"; docker logs "$id"; exit 1; }
  echo $((($(now) - begin) / 1000000))
  [ "$number" = "$runs" ] || inside sh -c 'dumbc remove more' >/dev/null 2>&1
done >"$work/adds"
inside sh -c 'test -x /etc/profiles/per-user/alice/bin/more'
begin=$(now)
inside true
printf '%-52s %7d ms   first %d ms; docker exec alone %d ms\n' "dumbc add, from a web server of this machine" \
  "$(median <"$work/adds")" "$(head -1 "$work/adds")" $((($(now) - begin) / 1000000))
docker rm -f "$id" >/dev/null

# --- Others: from start to three daemons that run, on this machine without a container. ---

# Each daemon makes its file and sleeps; started until there are three.
start() { # LABEL COMMAND…
  local label=$1
  shift
  for _ in $(seq "$runs"); do
    rm -f "$work"/up.*
    local begin
    begin=$(now)
    "$@" >/dev/null 2>&1 &
    local pid=$!
    until [ -e "$work/up.1" ] && [ -e "$work/up.2" ] && [ -e "$work/up.3" ]; do kill -0 $pid || return 1; read -rt 0.001 <> <(:) || true; done
    echo $((($(now) - begin) / 1000000))
    kill $pid
    wait $pid || true
  done | median | xargs printf '%-52s %7d ms\n' "$label"
}
daemon() { printf '#!/bin/sh\n: >%s/up.%d\nexec sleep 1000\n' "$work" "$1"; }
for number in 1 2 3; do daemon $number >"$work/daemon$number"; done
chmod +x "$work"/daemon?
cat >"$work/plan.json" <<JSON
{"version":1,"image":"bench:latest","system":"$(uname -m)-linux","hostname":"bench","runtime":"/r","environment":{},"path":["/usr/bin","/bin"],
"volume":"$work/none","persist":[],"folders":[],"users":{},"channels":{},"logs":{"json":false,"persist":false},"user-rebuild":false,"daemons":[
$(for number in 1 2 3; do
  printf '{"name":"d%d","command":["%s/daemon%d"],"restart":"always","stop":{"signal":"SIGTERM","grace":1000},' $number "$work" $number
  printf '"account":{"name":"root","uid":0,"gid":0,"groups":[],"home":"/","shell":"/bin/sh"}}%s\n' "$([ $number = 3 ] || echo ,)"
done)]}
JSON
start "three daemons: dumbc" "$runtime" machine --run "$work/run" supervise --plan "$work/plan.json"
if command -v s6-svscan >/dev/null; then
  for number in 1 2 3; do mkdir -p "$work/s6/$number"; cp "$work/daemon$number" "$work/s6/$number/run"; done
  start "three daemons: s6-svscan" s6-svscan "$work/s6"
fi
if command -v supervisord >/dev/null; then
  printf '[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=%s/supervisord.pid\n' "$work" >"$work/supervisord.conf"
  for number in 1 2 3; do printf '[program:d%d]\ncommand=%s/daemon%d\n' $number "$work" $number >>"$work/supervisord.conf"; done
  start "three daemons: supervisord" supervisord -c "$work/supervisord.conf"
fi
if command -v tini >/dev/null; then
  printf '#!/bin/sh\n%s/daemon1 & %s/daemon2 & exec %s/daemon3\n' "$work" "$work" "$work" >"$work/all.sh"
  chmod +x "$work/all.sh"
  start "three daemons: tini and a shell script" tini -g -s -- "$work/all.sh"
fi
