#!/bin/sh
# Makes cache/: two packages for two systems, as `dumbc cache add` writes them. What it made is committed, so nobody
# needs to run this to build the example.
#
# Needs a C compiler for each system, and dumbc on PATH (or DUMBC=…).
set -eu
cd "$(dirname "$0")"
dumbc=${DUMBC:-dumbc}
key=hello-1.key

# The secret key signs, its public half stands in system.toml. Only whoever has the secret can add to the cache.
if [ ! -e "$key" ]; then
  "$dumbc" cache keygen hello-1 --output "$key"
  echo "a new key: put the line above into \`keys\` in system.toml" >&2
fi

# add SYSTEM FOLDER NAME-VERSION: prints the package's store path.
add() {
  "$dumbc" --quiet cache add "$2" --name "$3" --system "$1" --to cache --key "$key"
}

# compile COMPILER SOURCE PROGRAM FLAG…
compile() {
  compiler=$1 source=$2 program=$3
  shift 3
  "$compiler" -Os -Wall -Wextra -static -nostdlib -ffreestanding -fno-builtin -fno-stack-protector \
    -fno-asynchronous-unwind-tables -fno-pie -no-pie -s \
    -Wl,--build-id=none -Wl,-z,noseparate-code -Wl,-z,noexecstack "$@" -o "$program" "$source"
}

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
for pair in x86_64-linux=x86_64-linux-gnu-gcc aarch64-linux=aarch64-linux-gnu-gcc; do
  system=${pair%%=*}
  mkdir -p "$work/$system/greeting/share" "$work/$system/hello/bin"

  # A package of data. Its store path has a hash of its content.
  echo Hello >"$work/$system/greeting/share/greeting"
  greeting=$(add "$system" "$work/$system/greeting" greeting-1.0)

  # A program that has that store path in it: dumbc finds it there, so hello refers to greeting.
  compile "${pair#*=}" source/hello.c "$work/$system/hello/bin/hello" -DGREETING="\"$greeting/share/greeting\""
  add "$system" "$work/$system/hello" hello-1.0
done

"$dumbc" cache check cache --key "$key.pub"
