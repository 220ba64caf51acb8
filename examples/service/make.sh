#!/bin/sh
# Makes bin/serve. It is committed, so nobody needs to run this to build the example.
set -eu
cd "$(dirname "$0")"
x86_64-linux-gnu-gcc -Os -Wall -Wextra -static -nostdlib -ffreestanding -fno-builtin -fno-stack-protector \
  -fno-asynchronous-unwind-tables -fno-pie -no-pie -s \
  -Wl,--build-id=none -Wl,-z,noseparate-code -Wl,-z,noexecstack -o bin/serve source/serve.c
