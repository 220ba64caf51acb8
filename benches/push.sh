#!/usr/bin/env bash
# What pushing costs: throughput into docker-registry on loopback, beside `skopeo copy oci:` of the same blobs; the most memory while one
# large layer is pushed; a push of 100 layers that are all there; with FOLDER, a push from an empty store after one package changed.
# Prints seconds, ratios, kB and milliseconds.
#
#   benches/push.sh [FOLDER]    FOLDER holds nixcache/base, nixcache/base.index.jsonl and nixcache/base.key.pub
#
# Needs: cargo's release build of dumbc (or DUMBC), docker-registry, skopeo, python3; five times MB and three times LARGE_MB of disk in TMPDIR.
# Registries of its own are started on free ports in a temporary folder, and ended. MB=0 and LARGE_MB=0 leave those parts out.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${1:+$(realpath "$1")}
dumbc=$(realpath "${DUMBC:-target/$(rustc -vV | sed -n 's/host: //p')/release/dumbc}")
runs=${RUNS:-5}
megabytes=${MB:-600}
large=${LARGE_MB:-1000}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/dumbc-push.XXXXXX")
unset CI
export DUMBC_STORE=$work/store HOME=$work/home DOCKER_CONFIG=$work/home
mkdir -p "$work/home" "$work/project"
pid=
stop() { [ -z "$pid" ] || { kill "$pid" && wait "$pid" || true; } 2>/dev/null; pid=; }
trap 'stop; rm -rf "$work"' EXIT

registry() { # a fresh one; sets `host`
  stop
  rm -rf "$work/data" "$work/log"
  cat >"$work/registry.yml" <<YML
version: 0.1
log: {level: error, accesslog: {disabled: false}}
storage: {filesystem: {rootdirectory: $work/data}}
http: {addr: "127.0.0.1:0", secret: bench}
YML
  sed -i 's/level: error/level: info/' "$work/registry.yml"
  docker-registry serve "$work/registry.yml" >"$work/log" 2>&1 &
  pid=$!
  until grep -qs 'listening on 127.0.0.1:[0-9]*[^0-9]' "$work/log"; do kill -0 $pid; sleep 0.05; done
  host=127.0.0.1:$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\).*/\1/p' "$work/log" | head -1)
}

key=$("$dumbc" cache keygen bench-1 --output "$work/key" 2>/dev/null)
package() { # NAME MB: bytes that don't compress
  mkdir -p "$work/source/share"
  head -c "$(($2 * 1000000))" /dev/urandom >"$work/source/share/$1"
  "$dumbc" cache add "$work/source" --name "$1" --to "$work/cache" --key "$key_file" >/dev/null 2>&1
  rm -r "$work/source"
}
key_file=$work/key
system() { # NAME PACKAGES
  cat >"$work/project/system.toml" <<TOML
channel = "bench"
packages = [$2]
[channels.bench]
index = "$work/cache/index.jsonl"
caches = ["$work/cache"]
keys = ["$key"]
[image]
name = "$1"
layers = 120
[boot]
enable = false
TOML
  rm -f "$work/project/dumbc.lock"
  "$dumbc" -q -C "$work/project" build --format oci-dir -o "$work/$1.oci" >/dev/null
}
seconds() { python3 -c 'import subprocess,sys,time; b=time.monotonic(); subprocess.run(sys.argv[1:],check=True,stdout=subprocess.DEVNULL); print(time.monotonic()-b)' "$@"; }
milliseconds() { python3 -c 'import json,sys; print(json.load(sys.stdin)["milliseconds"])'; }
push() { "$dumbc" -q -C "$work/project" push --locked --offline "$@"; }

echo "$(nproc) cores, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | sed 's/^ //'), $("$dumbc" --version)"

if [ "$megabytes" -gt 0 ]; then
echo "== $megabytes MB in 8 layers, $runs runs of each, in turns"
names=
for number in 1 2 3 4 5 6 7 8; do package "part$number" "$((megabytes / 8))"; names+="\"part$number\","; done
system many "$names"
: >"$work/ours"; : >"$work/theirs"
for _ in $(seq "$runs"); do
  registry; push --json "$host/many" | milliseconds >>"$work/ours"
  registry; seconds skopeo --insecure-policy copy -q --dest-tls-verify=false "oci:$work/many.oci" "docker://$host/many" >>"$work/theirs"
done
python3 - "$work" "$megabytes" <<'PYTHON'
import statistics, sys
work, megabytes = sys.argv[1], int(sys.argv[2])
ours = statistics.median(float(line) / 1000 for line in open(work + "/ours"))
theirs = statistics.median(float(line) for line in open(work + "/theirs"))
print(f"dumbc {ours:.2f} s, {megabytes / ours:.0f} MB/s; skopeo {theirs:.2f} s, {megabytes / theirs:.0f} MB/s; throughput ratio {theirs / ours:.2f}")
PYTHON
fi

if [ "$large" -gt 0 ]; then
echo "== one layer of $large MB: most memory of the push"
package large "$large"
system large '"large"'
rm -rf "$work/large.oci"
registry
python3 - "$dumbc" "$work/project" "$host/large" <<'PYTHON'
import os, subprocess, sys, time
dumbc, project, reference = sys.argv[1:]
child = subprocess.Popen([dumbc, "-q", "-C", project, "push", "--locked", "--offline", reference], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
assert status == 0
print(f"VmHWM {usage.ru_maxrss} kB")
PYTHON
fi

echo "== 100 layers that are all there"
names=
for number in $(seq 100); do package "small$number" 0; names+="\"small$number\","; done
system hundred "$names"
registry
push "$host/hundred" >/dev/null
for _ in $(seq "$runs"); do push --json "$host/hundred" | milliseconds; done | sort -n | sed -n "$(((runs + 1) / 2))s/\$/ ms for the push (the build before it not counted)/p"
for _ in $(seq "$runs"); do push --force --json "$host/hundred" | milliseconds; done | sort -n | sed -n "$(((runs + 1) / 2))s/\$/ ms with --force: a question a layer, and the manifest again/p"
for _ in $(seq "$runs"); do seconds "$dumbc" -q -C "$work/project" push --locked --offline "$host/hundred"; done | sort -n |
  sed -n "$(((runs + 1) / 2))s/\$/ s for the whole command/p"

[ -n "$data" ] || exit 0
echo "== one package changed, from an empty store"
attributes=$(sed -n 's/.*"attr": *"\([^"]*\)".*/"\1",/p' "$data/nixcache/base.index.jsonl" | grep -v '"perl"\|"vim-tiny"' | tr -d '\n')
own() { # VERSION
  mkdir -p "$work/source/bin"
  printf '#!/bin/sh\necho %s\n' "$1" >"$work/source/bin/own"
  head -c 3000000 /dev/urandom >"$work/source/own"
  "$dumbc" cache add "$work/source" --name "own-$1" --to "$work/cache" --key "$key_file" >/dev/null 2>&1
  rm -r "$work/source"
}
own 1.0
cat >"$work/project/system.toml" <<TOML
channel = "base"
packages = [$attributes "bench#own"]
[channels.base]
index = "$data/nixcache/base.index.jsonl"
caches = ["$data/nixcache/base"]
keys = ["$(cat "$data/nixcache/base.key.pub")"]
[channels.bench]
index = "$work/cache/index.jsonl"
caches = ["$work/cache"]
keys = ["$key"]
[image]
name = "closure"
TOML
rm -f "$work/project/dumbc.lock"
registry
"$dumbc" -q -C "$work/project" push "$host/closure" >/dev/null
echo "closure: $(grep -c '^\[\[package' "$work/project/dumbc.lock") packages"
cp "$work/project/dumbc.lock" "$work/first.lock"
for run in $(seq "$runs"); do
  own "1.$run"
  cp "$work/first.lock" "$work/project/dumbc.lock"
  "$dumbc" -q -C "$work/project" update own >/dev/null
  rm -rf "$work/empty"
  DUMBC_STORE=$work/empty seconds bash -c '"$@" >"$0"' "$work/told" \
    "$dumbc" -q -C "$work/project" push --locked --json "$host/closure:$run"
done | sort -n | sed -n "$(((runs + 1) / 2))s/\$/ s for the whole command/p"
python3 - "$work/told" <<'PYTHON'
import json, sys
told = json.load(open(sys.argv[1]))
names = [blob["name"] for blob in told["blobs"] if blob["outcome"] != "skipped"]
print(f"{told['milliseconds']} ms of it the push; {told['sent']} bytes of {told['size']}: {', '.join(names)}")
PYTHON
