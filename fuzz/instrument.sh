#!/bin/sh
# Called by cargo in rustc's place for the crates of this workspace: adds the coverage that libFuzzer follows. Dependencies are
# left as they are, and shared with every other build.
exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares
