#!/bin/sh
# `npm test`: sets up, checks types, lint and floors, runs every test. The last line counts: `N passed, N failed`.
set -eu
cd "$(dirname "$0")/.."
sh tools/bootstrap.sh
exec tools/node tools/test.ts "$@"
