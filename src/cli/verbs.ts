import type { Verb } from './verb.ts';

interface VerbEntry {
  readonly summary: string;
  load(): Promise<{ readonly verb: Verb }>;
}

/** Every verb of kubectl that we have, one line each; loaded when it is called. */
export const verbs: Readonly<Record<string, VerbEntry>> = {
  annotate: { summary: 'Update the annotations on a resource', load: () => import('./verbs/annotate.ts') },
  'api-resources': { summary: 'Print the supported API resources on the server', load: () => import('./verbs/api-resources.ts') },
  apply: { summary: 'Apply a configuration to a resource by file name or stdin', load: () => import('./verbs/apply.ts') },
  autoscale: { summary: 'Auto-scale a deployment, replica set, stateful set, or replication controller', load: () => import('./verbs/autoscale.ts') },
  config: { summary: 'Modify kubeconfig files', load: () => import('./verbs/config.ts') },
  cordon: { summary: 'Mark node as unschedulable', load: () => import('./verbs/cordon.ts') },
  create: { summary: 'Create a resource from a file or from stdin', load: () => import('./verbs/create.ts') },
  delete: { summary: 'Delete resources by file names, stdin, resources and names, or by resources and label selector', load: () => import('./verbs/delete.ts') },
  describe: { summary: 'Show details of a specific resource or group of resources', load: () => import('./verbs/describe.ts') },
  exec: { summary: 'Execute a command in a container', load: () => import('./verbs/exec.ts') },
  expose: { summary: 'Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service', load: () => import('./verbs/expose.ts') },
  get: { summary: 'Display one or many resources', load: () => import('./verbs/get.ts') },
  label: { summary: 'Update the labels on a resource', load: () => import('./verbs/label.ts') },
  logs: { summary: 'Print the logs for a container in a pod', load: () => import('./verbs/logs.ts') },
  patch: { summary: 'Update fields of a resource', load: () => import('./verbs/patch.ts') },
  rollout: { summary: 'Manage the rollout of a resource', load: () => import('./verbs/rollout.ts') },
  run: { summary: 'Run a particular image on the cluster', load: () => import('./verbs/run.ts') },
  scale: { summary: 'Set a new size for a deployment, replica set, or replication controller', load: () => import('./verbs/scale.ts') },
  set: { summary: 'Set specific features on objects', load: () => import('./verbs/set.ts') },
  uncordon: { summary: 'Mark node as schedulable', load: () => import('./verbs/uncordon.ts') },
  version: { summary: 'Print the client and server version information', load: () => import('./verbs/version.ts') },
};
