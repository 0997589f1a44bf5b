#!/bin/sh
# `npm run demo`: sets up what is missing, then lives the walkthrough with real containers and says what it does.
set -eu
cd "$(dirname "$0")/.."
sh tools/bootstrap.sh
exec tools/node tools/demo.ts "$@"
