import { join } from 'node:path';
import { run, type ClusterUnderTest } from '../../src/testing/cluster-under-test.ts';

/** As containerd makes them before it has noted whose they are: network namespace, address, shim and record; and a cgroup, as the kubelet's. */
const MAKE = `
set -e
id=$1 socket=$2 state=$3
mkdir -p "$state/half-made"; cd "$state/half-made"
echo '{"ociVersion":"1.0.0"}' > config.json
mkfifo log; (sleep 3 <> log) &
TTRPC_ADDRESS=$socket.ttrpc containerd-shim-runc-v2 -namespace k8s.io -id "$id" -address "$socket" start > /dev/null
touch "$(echo "$state"/runtime/*/netns)/cni-$id"
unshare "--net=$(echo "$state"/runtime/*/netns)/cni-$id" true
printf '%s\\r\\neth0' "$id" > "$state/leases/wherry/10.99.99.99"
mkdir "/run/containerd/runc/k8s.io/$id"
for root in $(awk '/ - cgroup2? /{print $5}' /proc/self/mountinfo); do find "$root/wherry" -type d -path "*/$4/kubepods" -prune -exec mkdir "{}/pod$id" ';'; done
`;

const FIND = `
ps -eo args | grep -v grep | grep "shim.* -id $1 -address $2" || true
find "$3/runtime" "$3/leases" /run/containerd/runc -name "*$1*"
grep -l "$1" -r "$3/leases" || true
for root in $(awk '/ - cgroup2? /{print $5}' /proc/self/mountinfo); do find "$root/wherry" -type d -path "*/$4/kubepods/pod$1"; done
grep "cni-$1" /proc/self/mountinfo || true
`;

/** What a containerd that is killed while it makes a sandbox leaves on a node, and does not know of when it is back. */
export class HalfMadeSandbox {
  readonly #inside: readonly string[];
  readonly #words: readonly string[];

  constructor(cluster: ClusterUnderTest, node: string, id: string) {
    const directory = join(cluster.dataDir, 'nodes', node);
    this.#inside = ['nsenter', `--net=${cluster.dataDir}/run/${node}.net`, `--mount=${cluster.dataDir}/run/${node}.mnt`, '--', 'sh', '-c'];
    this.#words = ['sh', id, join(directory, 'containerd.sock'), join(directory, 'state'), node];
  }

  async make(): Promise<void> {
    const { code, stderr } = await run([...this.#inside, MAKE, ...this.#words]);
    if (code !== 0) throw new Error(stderr);
  }

  /** What is there of it, a line a thing. */
  async remains(): Promise<readonly string[]> {
    const { code, stdout, stderr } = await run([...this.#inside, FIND, ...this.#words]);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim().split('\n').filter(Boolean);
  }
}
