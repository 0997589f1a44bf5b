import type { Verb } from './command/verb.ts';

interface VerbEntry {
  readonly summary: string;
  load(): Promise<{ readonly verb: Verb }>;
}

/** Every verb of kubectl that we have, one line each; loaded when it is called. */
export const verbs: Readonly<Record<string, VerbEntry>> = {
  annotate: { summary: 'Update the annotations on a resource', load: () => import('./verbs/annotate.ts') },
  'api-resources': { summary: 'Print the supported API resources on the server', load: () => import('./verbs/api-resources.ts') },
  'api-versions': { summary: 'Print the supported API versions on the server, in the form of "group/version"', load: () => import('./verbs/api-versions.ts') },
  apply: { summary: 'Apply a configuration to a resource by file name or stdin', load: () => import('./verbs/apply.ts') },
  attach: { summary: 'Attach to a running container', load: () => import('./verbs/attach.ts') },
  auth: { summary: 'Inspect authorization', load: () => import('./verbs/auth.ts') },
  autoscale: { summary: 'Auto-scale a deployment, replica set, stateful set, or replication controller', load: () => import('./verbs/autoscale.ts') },
  certificate: { summary: 'Modify certificate resources', load: () => import('./verbs/certificate.ts') },
  'cluster-info': { summary: 'Display cluster information', load: () => import('./verbs/cluster-info.ts') },
  completion: { summary: 'Output shell completion code for the specified shell (bash, zsh, fish)', load: () => import('./verbs/completion.ts') },
  config: { summary: 'Modify kubeconfig files', load: () => import('./verbs/config.ts') },
  cordon: { summary: 'Mark node as unschedulable', load: () => import('./verbs/cordon.ts') },
  cp: { summary: 'Copy files and directories to and from containers', load: () => import('./verbs/cp.ts') },
  create: { summary: 'Create a resource from a file or from stdin', load: () => import('./verbs/create.ts') },
  debug: { summary: 'Create debugging sessions for troubleshooting workloads and nodes', load: () => import('./verbs/debug.ts') },
  delete: { summary: 'Delete resources by file names, stdin, resources and names, or by resources and label selector', load: () => import('./verbs/delete.ts') },
  describe: { summary: 'Show details of a specific resource or group of resources', load: () => import('./verbs/describe.ts') },
  diff: { summary: 'Diff the live version against a would-be applied version', load: () => import('./verbs/diff.ts') },
  drain: { summary: 'Drain node in preparation for maintenance', load: () => import('./verbs/drain.ts') },
  edit: { summary: 'Edit a resource on the server', load: () => import('./verbs/edit.ts') },
  events: { summary: 'List events', load: () => import('./verbs/events.ts') },
  exec: { summary: 'Execute a command in a container', load: () => import('./verbs/exec.ts') },
  explain: { summary: 'Get documentation for a resource', load: () => import('./verbs/explain.ts') },
  expose: { summary: 'Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service', load: () => import('./verbs/expose.ts') },
  get: { summary: 'Display one or many resources', load: () => import('./verbs/get.ts') },
  kuberc: { summary: 'Manage user preferences (kuberc) file', load: () => import('./verbs/kuberc.ts') },
  kustomize: { summary: 'Build a kustomization target from a directory or URL', load: () => import('./verbs/kustomize.ts') },
  label: { summary: 'Update the labels on a resource', load: () => import('./verbs/label.ts') },
  logs: { summary: 'Print the logs for a container in a pod', load: () => import('./verbs/logs.ts') },
  options: { summary: 'Print the list of flags inherited by all commands', load: () => import('./verbs/options.ts') },
  patch: { summary: 'Update fields of a resource', load: () => import('./verbs/patch.ts') },
  plugin: { summary: 'Provides utilities for interacting with plugins', load: () => import('./verbs/plugin.ts') },
  'port-forward': { summary: 'Forward one or more local ports to a pod', load: () => import('./verbs/port-forward.ts') },
  proxy: { summary: 'Run a proxy to the Kubernetes API server', load: () => import('./verbs/proxy.ts') },
  replace: { summary: 'Replace a resource by file name or stdin', load: () => import('./verbs/replace.ts') },
  rollout: { summary: 'Manage the rollout of a resource', load: () => import('./verbs/rollout.ts') },
  run: { summary: 'Run a particular image on the cluster', load: () => import('./verbs/run.ts') },
  scale: { summary: 'Set a new size for a deployment, replica set, or replication controller', load: () => import('./verbs/scale.ts') },
  set: { summary: 'Set specific features on objects', load: () => import('./verbs/set.ts') },
  taint: { summary: 'Update the taints on one or more nodes', load: () => import('./verbs/taint.ts') },
  top: { summary: 'Display resource (CPU/memory) usage', load: () => import('./verbs/top.ts') },
  uncordon: { summary: 'Mark node as schedulable', load: () => import('./verbs/uncordon.ts') },
  version: { summary: 'Print the client and server version information', load: () => import('./verbs/version.ts') },
  wait: { summary: 'Wait for a specific condition on one or many resources', load: () => import('./verbs/wait.ts') },
};
