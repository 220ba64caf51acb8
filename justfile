# What a developer does. `just` lists it.
_default:
    @just --list

# Build the default machine's image with a release build.
build:
    cargo run --release -- build

# All tests.
test:
    cargo test

# What continuous integration runs.
ci:
    .ci/run

# Formatting and lints.
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    cargo clippy --no-default-features -- -D warnings

# The program that boots images, small, for both systems: target/runtimes/dumbc-runtime-SYSTEM (docs/runtime.md).
runtime *arguments:
    .ci/runtime {{arguments}}

# Write the generated pages of docs/ anew.
docs:
    UPDATE_DOCS=1 cargo test --lib docs

# Layer plans: times and quality.
bench-plan:
    cargo bench --bench plan

# Whole builds against tar and pigz, and memory; optionally on the data of a folder beside this one.
bench-build:
    benches/build.sh ../shared

# Ten minutes of fuzzing one target: narinfo, nar, invert, tar, deb, config, index, lock, release, apt_sources, scripts,
# generated, home, formats, inside, sent, find, origin or import (docs/fuzzing.md). With files, only these are run, once.
fuzz target *files:
    RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none {{target}} {{files}} -- -max_total_time=600 -max_len=20000 -timeout=30 -rss_limit_mb=1024
