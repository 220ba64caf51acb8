#!/usr/bin/env bash
# Whole builds, timed and weighed, beside tar and pigz on the same files in the same run. Prints ratios.
#
#   benches/build.sh FOLDER    FOLDER holds nixcache/base, nixcache/base.index.jsonl and nixcache/base.key.pub
#
# Needs: cargo's release build of dumbc (or DUMBC), tar, pigz, xz, zstd, GNU time.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$(realpath "${1:?name the folder that holds nixcache}")
dumbc=${DUMBC:-target/$(rustc -vV | sed -n 's/host: //p')/release/dumbc}
runs=${RUNS:-3}
[ -x "$dumbc" ] || cargo build --release
dumbc=$(realpath "$dumbc")
work=$(mktemp -d "${TMPDIR:-/tmp}/dumbc-bench.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
unset CI
export DUMBC_STORE=$work/store

# wall seconds and peak kibibytes of a command, in $wall and $peak; the best of $runs runs, each after `prepare`.
prepare() { :; }
measure() {
  wall=999999 peak=0
  for _ in $(seq "$runs"); do
    prepare
    command time -f '%e %M' -o "$work/time" "$@" >/dev/null 2>"$work/stderr" || { cat "$work/stderr"; exit 1; }
    read -r seconds kilobytes < <(tail -1 "$work/time")
    wall=$(echo "if ($seconds < $wall) $seconds else $wall" | bc -l)
    if [ "$kilobytes" -gt "$peak" ]; then peak=$kilobytes; fi
  done
}
report() { printf '%-44s %8.2f s   peak %4d MB   %s\n' "$1" "$wall" $((peak * 1024 / 1000000)) "${2:-}"; }
ratio() { echo "scale=2; $1 / $2" | bc -l | sed 's/^\./0./'; }

echo "$(nproc) cores, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | sed 's/^ //'), $("$dumbc" --version)"

project=$work/project
mkdir -p "$project"
attributes=$(sed -n 's/.*"attr": *"\([^"]*\)".*/"\1",/p' "$data/nixcache/base.index.jsonl" | grep -v '"perl"\|"vim-tiny"' | tr -d '\n')
write() {
  cat >"$project/system.toml" <<TOML
channel = "base"
packages = [$1]
[channels.base]
index = "$data/nixcache/base.index.jsonl"
caches = ["$data/nixcache/base"]
keys = ["$(cat "$data/nixcache/base.key.pub")"]
[image]
name = "bench"
layers = ${2:-100}
TOML
}
write "$attributes"
"$dumbc" -C "$project" -q build >/dev/null
"$dumbc" -C "$project" -q build --format oci-dir --compression none -o "$work/plain" >/dev/null
mkdir "$work/unpacked"
for blob in "$work"/plain/blobs/sha256/*; do
  if [ "$(head -c 262 "$blob" | tail -c 5)" = ustar ]; then tar -C "$work/unpacked" -xf "$blob"; fi
done
echo "closure: $(grep -c '^\[\[package' "$project/dumbc.lock") packages, $(du -sm "$work/unpacked" | cut -f1) MB unpacked"

measure sh -c "tar -C '$work/unpacked' -cf - . | pigz -6 -p $(nproc) >'$work/pigz.tar.gz'"
pigz=$wall
report "tar | pigz -6" "$(stat -c %s "$work/pigz.tar.gz") bytes"

# A new folder each time: where many files were just deleted, file systems are slow to make new ones.
prepare() { DUMBC_STORE=$(mktemp -d "$work/store.XXXXXX"); }
measure "$dumbc" -C "$project" build --locked
cold=$wall
report "dumbc build, cold" "$(ratio "$cold" "$pigz") of tar | pigz -6; $(stat -c %s "$project/bench.tar.gz") bytes"

prepare() { :; }
measure "$dumbc" -C "$project" build --locked
warm=$wall
report "dumbc build, nothing changed"
measure cp "$project/bench.tar.gz" "$work/copy.tar.gz"
report "cp of the archive" "dumbc beside it: $(echo "$warm - $wall" | bc -l) s"

prepare() { rm -rf "$DUMBC_STORE/layers"; }
write "$attributes" 20
measure "$dumbc" -C "$project" build --replan
report "dumbc build, another plan, warm fragments" "$(ratio "$wall" "$cold") of cold"


# Peak memory, in one build: a package of 3 GB, one packed with xz -9 for each core, one packed with a window of 128 MiB.
if [ "${MEMORY:-1}" = 1 ]; then
  "$dumbc" -q cache keygen bench-1 --output "$work/key" >/dev/null
  mkdir -p "$work/sample" "$work/cache"
  tar -C "$work/unpacked" -cf "$work/sample/content" .
  add() { # NAME COPIES COMPRESSOR...: a package of so many copies of the sample, whose NAR the command packs
    local name=$1 copies=$2 compression=$3
    shift 3
    mkdir "$work/$name-1"
    for _ in $(seq "$copies"); do cat "$work/sample/content"; done >"$work/$name-1/content"
    "$dumbc" -q cache add "$work/$name-1" --to "$work/cache" --key "$work/key" --compression none >/dev/null
    rm -rf "${work:?}/$name-1"
    if [ "$compression" = none ]; then return; fi
    local info nar
    info=$(grep -l -- "-$name-1$" "$work"/cache/*.narinfo)
    nar=$(sed -n 's/^URL: //p' "$info")
    "$@" <"$work/cache/$nar" >"$work/cache/$nar.packed"
    rm "$work/cache/$nar"
    sed -i "s|^URL: .*|URL: $nar.packed|; s|^Compression: .*|Compression: $compression|; /^FileHash: /d; /^FileSize: /d" "$info"
  }
  size=$(stat -c %s "$work/sample/content")
  add huge $((3000000000 / size + 1)) none
  names='"huge", "wide"'
  add wide 2 zstd zstd -q -3 --long=27 -c
  for core in $(seq "$(nproc)"); do
    cp "$(command -v "$dumbc")" "$work/sample/content.$core"
    cat "$work/sample/content" >>"$work/sample/content.$core"
    mv "$work/sample/content.$core" "$work/sample/content"
    add "tight$core" 1 xz xz -9 -T1 -c
    names="$names, \"tight$core\""
  done
  cat >"$project/system.toml" <<TOML
channel = "heavy"
packages = [$names]
[channels.heavy]
index = "$work/cache/index.jsonl"
caches = ["$work/cache"]
keys = ["$(cat "$work/key.pub")"]
[image]
name = "heavy"
TOML
  rm -f "$project/dumbc.lock"
  runs=1
  measure "$dumbc" -C "$project" build
  report "3 GB, xz -9 a core, a window of 128 MiB" "the window alone is 134 MB"
fi
