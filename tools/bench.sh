#!/bin/sh
# `npm run bench -- NAME [ARGUMENT]`: one benchmark of bench/, or all of them.
set -eu
cd "$(dirname "$0")/.."
sh tools/bootstrap.sh
names=${1:-start pod-start scale-out idle service-change network rolling dns kubectl api fairness ledger dashboard}
[ $# -gt 0 ] && shift
for name in $names; do
  echo "== $name"
  tools/node "bench/$name.ts" "$@"
done
