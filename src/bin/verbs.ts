import type { Command, Io } from './command.ts';

interface Verb {
  /** Empty: not listed (the mains of our own processes). */
  readonly summary: string;
  load(): Promise<{ readonly command: Command } | { main(argv: readonly string[], io: Io): Promise<number> }>;
}

/** Every verb, one line each; loaded when it is called. */
export const verbs: Readonly<Record<string, Verb>> = {
  start: { summary: 'start a cluster and point kubectl at it', load: () => import('./verbs/start.ts') },
  stop: { summary: 'stop a cluster; all that it stores is kept', load: () => import('./verbs/stop.ts') },
  delete: { summary: 'remove a cluster and everything of it', load: () => import('./verbs/delete.ts') },
  status: { summary: 'tell what runs, and since when', load: () => import('./verbs/status.ts') },
  node: { summary: 'add, delete or list nodes; let other machines join', load: () => import('./verbs/node.ts') },
  image: { summary: 'load an image archive into the nodes', load: () => import('./verbs/image.ts') },
  tunnel: { summary: 'give LoadBalancer services an address while it runs', load: () => import('./verbs/tunnel.ts') },
  addons: { summary: 'list, enable or disable add-ons', load: () => import('./verbs/addons.ts') },
  kubeconfig: { summary: 'print the kubeconfig of a cluster', load: () => import('./verbs/kubeconfig.ts') },
  dashboard: { summary: 'show a cluster in the browser, live', load: () => import('./verbs/dashboard.ts') },
  why: { summary: 'tell what led to something, and what it waits for', load: () => import('./verbs/why.ts') },
  kubectl: { summary: 'a kubectl of our own', load: () => import('./verbs/kubectl.ts') },
  version: { summary: 'print the version', load: () => import('./verbs/version.ts') },
  'server-process': { summary: '', load: () => import('./verbs/server-process.ts') },
  'node-process': { summary: '', load: () => import('./verbs/node-process.ts') },
};
