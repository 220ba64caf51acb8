#!/usr/bin/env bash
# The repository's own machine, built by dumbc and by mmdebstrap of the same packages, from the same archive, in one run. Prints ratios.
#
#   benches/debian.sh          downloads count on both sides: from this machine's archive, then from a folder of the same packages
#
# Needs: cargo's release build of dumbc (or DUMBC), mmdebstrap, apt, dpkg-dev, gpg, xz, pigz, bc, root.
# DOCKER="docker -H …" times `docker import` and `docker load`, too.
set -euo pipefail
cd "$(dirname "$0")/.."
dumbc=${DUMBC:-target/$(rustc -vV | sed -n 's/host: //p')/release/dumbc}
runs=${RUNS:-3}
sources=${SOURCES:-/etc/apt/sources.list.d/debian.sources}
[ -x "$dumbc" ] || cargo build --release
dumbc=$(realpath "$dumbc")
work=$(mktemp -d "${TMPDIR:-/tmp}/dumbc-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
unset CI
project=$work/project
mkdir "$project"
cp system.toml users.toml home.toml "$project"
suite=$(sed -n 's/^suite = "\(.*\)"/\1/p' system.toml)

# Wall seconds of a command in $wall; the best of $runs runs, each after `prepare`.
prepare() { :; }
measure() {
  wall=999999
  for _ in $(seq "$runs"); do
    prepare
    command time -f '%e' -o "$work/time" "$@" >/dev/null 2>"$work/stderr" || { cat "$work/stderr"; exit 1; }
    wall=$(echo "s = $(tail -1 "$work/time"); if (s < $wall) s else $wall" | bc -l)
  done
}
report() { printf '%-52s %8.2f s   %s\n' "$1" "$wall" "${2:-}"; }
ratio() { echo "scale=2; $1 / $2" | bc -l | sed 's/^\./0./'; }
fresh() { DUMBC_STORE=$(mktemp -d "$work/store.XXXXXX"); export DUMBC_STORE; }

# SOURCE-NAME MIRROR...: both programs, from one place. mmdebstrap solves and unpacks as dumbc does, and runs no script.
compare() {
  local name=$1
  shift
  prepare() { fresh; rm -f "$project/dumbc.lock"; }
  measure "$dumbc" -C "$project" build
  local cold=$wall
  report "dumbc build, $name, cold" "$(stat -c %s "$project/machine.tar.gz") bytes"
  prepare() { :; }
  measure "$dumbc" -C "$project" build --locked --offline
  local warm=$wall
  report "dumbc build, nothing changed" "$(ratio "$warm" "$cold") of cold"
  packages=$(awk -F'"' '/^\[\[deb\]\]/ { deb = 1 } deb && /^name = / { printf "%s%s", comma, $2; comma = ","; deb = 0 }' "$project/dumbc.lock")
  measure bash -o pipefail -c "mmdebstrap --quiet --mode=root --variant=extract --include='$packages' '$suite' - $* | pigz -p $(nproc) >'$work/theirs.tar.gz'"
  report "mmdebstrap --variant=extract | pigz" "$(stat -c %s "$work/theirs.tar.gz") bytes; dumbc cold takes $(ratio "$cold" "$wall") of it, warm $(ratio "$warm" "$wall")"
}

echo "$(nproc) cores, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | sed 's/^ //'), $("$dumbc" --version), $(mmdebstrap --version)"
compare "this machine's archive" "'$sources'"
echo "closure: $(grep -c '^\[\[deb' "$project/dumbc.lock") packages"

if [ -n "${DOCKER:-}" ]; then
  measure $DOCKER import "$work/theirs.tar.gz" dumbc-bench:theirs
  report "docker import of mmdebstrap's"
  measure $DOCKER load -i "$project/machine.tar.gz"
  report "docker load of dumbc's"
fi

# The same packages in a folder, signed by a key of its own: the network decides nothing.
mirror=$work/mirror
mkdir -p "$mirror/pool" "$mirror/dists/$suite/main/binary-$(dpkg --print-architecture)"
chmod 755 "$work"
(cd "$mirror/pool" && tr , '\n' <<<"$packages" | xargs apt-get -qq download)
(
  cd "$mirror"
  index=dists/$suite/main/binary-$(dpkg --print-architecture)/Packages
  dpkg-scanpackages --multiversion pool >"$index" 2>/dev/null
  xz -k "$index"
  {
    printf 'Origin: Debian\nSuite: %s\nCodename: %s\nDate: %s\nArchitectures: %s\nComponents: main\nSHA256:\n' \
      "$suite" "$suite" "$(date -Ru | sed 's/+0000/UTC/')" "$(dpkg --print-architecture)"
    (cd "dists/$suite" && stat -c '%n %s' main/binary-*/*) | while read -r file size; do
      printf ' %s %s %s\n' "$(sha256sum "dists/$suite/$file" | cut -d' ' -f1)" "$size" "$file"
    done
  } >"$work/Release"
  mv "$work/Release" "dists/$suite/Release"
)
export GNUPGHOME=$work/gnupg
mkdir -m 700 "$GNUPGHOME"
gpg -q --batch --passphrase '' --quick-generate-key bench rsa3072 sign 2>/dev/null
gpg -q --batch --export bench >"$work/keyring.gpg"
gpg -q --batch --clearsign -o "$mirror/dists/$suite/InRelease" "$mirror/dists/$suite/Release"
gpgconf --kill all
sed -i "s|^mirror = .*|mirror = \"file://$mirror\"\nkeyring = \"$work/keyring.gpg\"|" "$project/system.toml"
compare "a folder" "'deb [signed-by=$work/keyring.gpg] copy://$mirror $suite main'"
