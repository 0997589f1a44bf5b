import type { PodSandbox } from './runtime.ts';

/** What containerd knows, for whoever looks for what it does not know. */
export interface RuntimeInventory {
  /** Of sandboxes and containers. */
  readonly ids: ReadonlySet<string>;
  /** The files that hold pods' network namespaces; undefined: there is a sandbox of which that cannot be told. */
  readonly networkNamespaces: ReadonlySet<string> | undefined;
}

/** As containerd's own service lists them: a sandbox is a container among others. */
export interface ContainerRecord {
  readonly id: string;
  /** An OCI specification as JSON. */
  readonly spec: { readonly value: Uint8Array } | null;
}

interface OciSpec {
  readonly linux?: { readonly namespaces?: readonly { readonly type: string; readonly path?: string }[] };
}

/**
 * containerd notes a container before it starts a process for it, and forgets it after the process has gone; CRI may know a sandbox that has no container
 * any more, because its network could not be taken down. Whatever either knows counts. Pure.
 */
export function runtimeInventory(containers: readonly ContainerRecord[], sandboxes: readonly Pick<PodSandbox, 'id'>[]): RuntimeInventory {
  const networkNamespaces = new Set<string>();
  for (const { spec } of containers) {
    if (!spec) continue;
    const { linux } = JSON.parse(Buffer.from(spec.value).toString()) as OciSpec;
    const path = linux?.namespaces?.find(({ type }) => type === 'network')?.path;
    if (path) networkNamespaces.add(path);
  }
  const noted = new Set(containers.map(({ id }) => id));
  return { ids: noted.union(new Set(sandboxes.map(({ id }) => id))), networkNamespaces: sandboxes.every(({ id }) => noted.has(id)) ? networkNamespaces : undefined };
}
