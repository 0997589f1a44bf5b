import { readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { CronJob } from '../../api/generated/batch-v1.ts';
import { isQuantity, QUANTITY_FAULT } from '../mutation/quantity-fault.ts';
import { parseApiVersion } from '../../api/resources.ts';
import { UsageError, type FlagSpecs } from '../command/flags.ts';
import { parseSelector } from '../../api/selector.ts';
import { namedHash } from '../kustomize/content-hash.ts';
import { resolveTargets, targetPath } from '../targets/targets.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import type { Generated, Generator } from './generator.ts';
import { ingressFlags, ingressOf } from './ingress.ts';
import { dataKeyFault, envNameFault } from '../mutation/valid-keys.ts';
import { containerName, parseLabels } from './pod-template.ts';

/** The one NAME that a noun takes. */
function nameOf(call: Call, extra = 0): string {
  const count = call.dashAt >= 0 ? call.dashAt : call.args.length;
  if (count === 0) throw new KubectlError(`exactly one NAME is required, got 0\nSee '${call.path} -h' for help and examples`);
  if (count > 1 + extra) throw new KubectlError(`exactly one NAME is required, got ${count}\nSee '${call.path} -h' for help and examples`);
  return call.args[0]!;
}

function readBytes(file: string, fault: (why: string) => string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new KubectlError(fault('no such file or directory'));
  }
}

/** Flags that a noun cannot do without are asked for before anything else. */
function requireFlags({ flags }: Call, ...names: readonly string[]): void {
  const missing = names.filter((name) => !flags.changed(name));
  if (missing.length > 0) throw new KubectlError(`required flag(s) ${missing.map((name) => `"${name}"`).join(', ')} not set`);
}

/** `--from-literal`, `--from-file`, `--from-env-file` as pairs of key and bytes. */
function dataOf(call: Call, kind: 'ConfigMap' | 'Secret' = 'Secret'): [string, Buffer][] {
  const pairs: [string, Buffer][] = [];
  if (call.flags.has('from-env-file') && call.flags.strings('from-env-file').length > 0 && (call.flags.strings('from-file').length > 0 || call.flags.strings('from-literal').length > 0)) throw new KubectlError('from-env-file cannot be combined with from-file or from-literal');
  for (const literal of call.flags.has('from-literal') ? call.flags.strings('from-literal') : []) {
    const equals = literal.indexOf('=');
    if (equals < 1) throw new KubectlError(`invalid literal source ${literal}, expected key=value`);
    pairs.push([literal.slice(0, equals), Buffer.from(literal.slice(equals + 1).replace(/^(['"])(.*)\1$/, '$2'))]);
  }
  for (const source of call.flags.strings('from-file')) {
    const equals = source.indexOf('=');
    const file = equals < 0 ? source : source.slice(equals + 1);
    if (source.split('=').length > 2) throw new KubectlError("key names or file paths cannot contain '='");
    if (equals === 0) throw new KubectlError(`key name for file path ${file} missing`);
    if (equals >= 0 && file === '') throw new KubectlError(`file path for key name ${source.slice(0, equals)} missing`);
    let folder;
    try {
      folder = statSync(file).isDirectory();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new KubectlError(`error reading ${file}: no such file or directory`);
    }
    if (folder) {
      for (const name of readdirSync(file).toSorted()) if (statSync(join(file, name)).isFile()) pairs.push([name, readFileSync(join(file, name))]);
    } else {
      pairs.push([equals < 0 ? basename(file) : source.slice(0, equals), readFileSync(file)]);
    }
  }
  for (const file of call.flags.has('from-env-file') ? call.flags.strings('from-env-file') : []) {
    for (const line of readBytes(file, (why) => `error reading ${file}: ${why}`).toString().split('\n')) {
      const text = line.trimStart();
      if (text === '' || text.startsWith('#')) continue;
      const equals = text.indexOf('=');
      const fault = envNameFault(equals < 0 ? text : text.slice(0, equals));
      if (fault) throw new KubectlError(fault);
      pairs.push(equals < 0 ? [text, Buffer.from(call.io.env[text] ?? '')] : [text.slice(0, equals), Buffer.from(text.slice(equals + 1))]);
    }
  }
  const seen = new Set<string>();
  for (const [key] of pairs) {
    if (seen.has(key)) throw new KubectlError(`cannot add key "${key}", another key by that name already exists${kind === 'ConfigMap' ? ` in Data for ConfigMap "${call.args[0]}"` : ''}`);
    const fault = dataKeyFault(key);
    if (fault) throw new KubectlError(kind === 'ConfigMap' ? `"${key}" is not a valid key name for a ConfigMap: ${fault}` : fault);
    seen.add(key);
  }
  return pairs;
}

const dataFlags = {
  'from-literal': { type: 'array', usage: 'Specify a key and literal value to insert (i.e. mykey=somevalue)' },
  'from-file': { type: 'array', usage: 'Key file can be specified using its file path, or with a key and a file path' },
  'from-env-file': { type: 'array', usage: 'Specify the path to a file to read lines of key=val pairs' },
} as const satisfies FlagSpecs;

const hashFlag = { 'append-hash': { type: 'bool', usage: 'Put a hash of the content behind the name, so that changed content gets a new name.' } } as const satisfies FlagSpecs;

/** With `--append-hash` the name ends in a hash of the content. */
function hashed(call: Call, object: Generated): Generated[] {
  return [call.flags.bool('append-hash') ? { ...object, metadata: { ...object.metadata, name: `${object.metadata.name}-${namedHash(object as unknown as Record<string, unknown>)}` } } : object];
}

const portFlags = { tcp: { type: 'strings', usage: 'Port pairs can be specified as "<port>:<targetPort>".' } } as const satisfies FlagSpecs;

function servicePorts(call: Call, nodePort?: number): unknown[] {
  const pairs = call.flags.strings('tcp');
  return pairs.map((pair) => {
    const [port, target = port] = pair.split(':');
    if (!/^\d+$/.test(port!)) throw new KubectlError(`strconv.ParseUint: parsing "${port}": invalid syntax`);
    if (Number(port) > 65535) throw new KubectlError(`strconv.ParseUint: parsing "${port}": value out of range`);
    for (const part of [port!, ...(/^\d+$/.test(target!) ? [target!] : [])]) if (Number(part) < 1 || Number(part) > 65535) throw new KubectlError('must be between 1 and 65535, inclusive');
    return { name: pair.replace(':', '-'), port: Number(port), protocol: 'TCP', targetPort: /^\d+$/.test(target!) ? Number(target) : target, ...(nodePort && { nodePort }) };
  });
}

function serviceOf(call: Call, type: string, more: Readonly<Record<string, unknown>> = {}, nodePort?: number): Generated[] {
  const name = nameOf(call);
  const ports = servicePorts(call, nodePort);
  if (ports.length === 0 && type !== 'ExternalName' && more.clusterIP !== 'None') throw new KubectlError('at least one tcp port specifier must be provided');
  return [{ apiVersion: 'v1', kind: 'Service', metadata: { name, labels: { app: name } }, spec: { ...(ports.length > 0 && { ports }), selector: { app: name }, type, ...more }, status: { loadBalancer: {} } }];
}

const serviceVerbs: Readonly<Record<string, Generator>> = {
  clusterip: {
    usage: 'NAME [--tcp=<port>:<targetPort>] [--dry-run=server|client|none]', summary: 'Create a ClusterIP service',
    flags: { ...portFlags, clusterip: { type: 'string', usage: "Assign your own ClusterIP or set to 'None' for a 'headless' service" } },
    generate: (call) => serviceOf(call, 'ClusterIP', call.flags.string('clusterip') ? { clusterIP: call.flags.string('clusterip') } : {}),
  },
  nodeport: {
    usage: 'NAME [--tcp=port:targetPort] [--dry-run=server|client|none]', summary: 'Create a NodePort service',
    flags: { ...portFlags, 'node-port': { type: 'int', usage: 'Port used to expose the service on each node in a cluster.' } },
    generate: (call) => serviceOf(call, 'NodePort', {}, call.flags.int('node-port')),
  },
  loadbalancer: { usage: 'NAME [--tcp=port:targetPort] [--dry-run=server|client|none]', summary: 'Create a LoadBalancer service', flags: portFlags, generate: (call) => serviceOf(call, 'LoadBalancer') },
  externalname: {
    usage: 'NAME --external-name external.name [--dry-run=server|client|none]', summary: 'Create an ExternalName service',
    flags: { ...portFlags, 'external-name': { type: 'string', usage: 'External name of service' } },
    generate(call) {
      requireFlags(call, 'external-name');
      return serviceOf(call, 'ExternalName', { externalName: call.flags.string('external-name') });
    },
  },
};

const commandAfterDash = (call: Call): readonly string[] => (call.dashAt >= 0 ? call.args.slice(call.dashAt) : call.args.slice(1));

function secretType(call: Call, type: string, data: readonly [string, Buffer][]): Generated[] {
  const encoded = data.length > 0 && { data: Object.fromEntries(data.map(([key, bytes]) => [key, bytes.toString('base64')])) };
  return hashed(call, { apiVersion: 'v1', kind: 'Secret', metadata: { name: nameOf(call) }, ...encoded, ...(type && { type }) });
}

const RESOURCE_VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection', 'use', 'bind', 'escalate', 'impersonate', 'approve', 'sign', 'attest', '*'];

/** Verbs that belong to few resources. Upstream: kubectl pkg/cmd/create/create_role.go. */
const SPECIAL_VERBS: Readonly<Record<string, readonly string[]>> = {
  use: ['podsecuritypolicies.policy', 'podsecuritypolicies.extensions'], bind: ['roles.rbac.authorization.k8s.io', 'clusterroles.rbac.authorization.k8s.io'],
  escalate: ['roles.rbac.authorization.k8s.io', 'clusterroles.rbac.authorization.k8s.io'], impersonate: ['users.', 'serviceaccounts.', 'groups.', 'userextras.authentication.k8s.io'],
};

const URL_VERBS = ['*', 'get', 'post', 'put', 'delete', 'patch', 'head', 'options'];

const roleFlags = {
  verb: { type: 'strings', usage: 'Verb that applies to the resources contained in the rule' },
  resource: { type: 'strings', usage: 'Resource that the rule applies to' },
  'resource-name': { type: 'array', usage: 'Resource in the white list that the rule applies to' },
} as const satisfies FlagSpecs;

/** `deployments.apps/scale` of `--resource`, grouped by API group as the rules need them. */
async function rulesOf(call: Call): Promise<unknown[]> {
  const verbs = call.flags.strings('verb');
  if (verbs.length === 0) throw new KubectlError('at least one verb must be specified');
  if (call.flags.strings('resource').length === 0) throw new KubectlError('at least one resource must be specified');
  for (const verb of verbs) if (!RESOURCE_VERBS.includes(verb)) call.io.err(`Warning: '${verb}' is not a standard resource verb\n`);
  const mapper = await call.session.mapper((builtIn) => call.flags.strings('resource').every((text) => text === '*' || builtIn.find(text.split('/')[0]!)));
  const groups = new Map<string, string[]>();
  for (const text of call.flags.strings('resource')) {
    const [name, subresource] = text.split('/');
    const found = name === '*' ? { group: '', resource: '*' } : mapper.find(name!);
    if (!found) {
      const [resource, ...group] = name!.split('.');
      throw new KubectlError(`the server doesn't have a resource type "${resource}"${group.length > 0 ? ` in group "${group.join('.')}"` : ''}`, { bare: true });
    }
    if (name === '*') break;
    for (const verb of verbs) {
      const bound = SPECIAL_VERBS[verb];
      if (bound && !bound.includes(`${found.resource}.${found.group}`)) throw new KubectlError(`can not perform '${verb}' on '${found.resource}' in group '${found.group}'`);
    }
    groups.set(found.group, [...(groups.get(found.group) ?? []), subresource ? `${found.resource}/${subresource}` : found.resource]);
  }
  const names = call.flags.strings('resource-name');
  return [...groups].map(([group, resources]) => ({ apiGroups: [group], ...(names.length > 0 && { resourceNames: names }), resources, verbs: verbs.includes('*') ? ['*'] : [...verbs] }));
}

const bindingFlags = {
  clusterrole: { type: 'string', usage: 'ClusterRole this binding should reference' },
  role: { type: 'string', usage: 'Role this RoleBinding should reference' },
  user: { type: 'array', usage: 'Usernames to bind to the role.' },
  group: { type: 'array', usage: 'Groups to bind to the role.' },
  serviceaccount: { type: 'array', usage: 'Service accounts to bind to the role, in the format <namespace>:<name>.' },
} as const satisfies FlagSpecs;

const { role: _role, ...clusterBindingFlags } = bindingFlags;

function bindingOf(call: Call, kind: 'RoleBinding' | 'ClusterRoleBinding'): Generated[] {
  const [clusterRole, role] = [call.flags.string('clusterrole'), call.flags.has('role') ? call.flags.string('role') : ''];
  if ((clusterRole === '') === (role === '')) throw new KubectlError('exactly one of clusterrole or role must be specified');
  const apiGroup = 'rbac.authorization.k8s.io';
  const subjects = [
    ...call.flags.strings('user').map((name) => ({ apiGroup, kind: 'User', name })),
    ...call.flags.strings('group').map((name) => ({ apiGroup, kind: 'Group', name })),
    ...call.flags.strings('serviceaccount').map((text) => {
      const [namespace, name, more] = text.split(':');
      if (!namespace || !name || more) throw new KubectlError('serviceaccount must be <namespace>:<name>');
      return { kind: 'ServiceAccount', name, namespace };
    }),
  ];
  return [{ apiVersion: `${apiGroup}/v1`, kind, metadata: { name: nameOf(call) }, roleRef: { apiGroup, kind: clusterRole ? 'ClusterRole' : 'Role', name: clusterRole || role }, ...(subjects.length > 0 && { subjects }) }];
}

function podTemplateOf(image: string, name: string, command: readonly string[], restartPolicy: string): unknown {
  return { metadata: {}, spec: { containers: [{ image, name, resources: {}, ...(command.length > 0 && { command: [...command] }) }], restartPolicy } };
}

const namespaceGenerator: Generator = {
  usage: 'NAME [--dry-run=server|client|none]', summary: 'Create a namespace with the specified name', flags: {},
  generate: (call) => [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: nameOf(call) }, spec: {}, status: {} }],
};

const configMapGenerator: Generator = {
  usage: 'NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]', summary: 'Create a config map from a local file, directory or literal value', flags: { ...dataFlags, ...hashFlag },
  generate(call) {
    const data: Record<string, string> = {};
    const binaryData: Record<string, string> = {};
    for (const [key, bytes] of dataOf(call, 'ConfigMap')) {
      const text = bytes.toString('utf8');
      if (Buffer.from(text).equals(bytes)) data[key] = text;
      else binaryData[key] = bytes.toString('base64');
    }
    return hashed(call, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: nameOf(call) }, ...(Object.keys(data).length > 0 && { data }), ...(Object.keys(binaryData).length > 0 && { binaryData }) });
  },
};

const serviceAccountGenerator: Generator = {
  usage: 'NAME [--dry-run=server|client|none]', summary: 'Create a service account with the specified name', flags: {},
  generate: (call) => [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: nameOf(call) } }],
};

const deploymentGenerator: Generator = {
  usage: 'NAME --image=image -- [COMMAND] [args...]', summary: 'Create a deployment with the specified name',
  flags: {
    image: { type: 'strings', usage: 'Image names to run.' },
    replicas: { short: 'r', type: 'int', default: 1, usage: 'Number of replicas to create.' },
    port: { type: 'int', default: -1, usage: 'The containerPort that this deployment exposes.' },
  },
  generate(call) {
    requireFlags(call, 'image');
    const name = nameOf(call);
    const images = call.flags.strings('image');
    const command = call.dashAt >= 0 ? call.args.slice(call.dashAt) : [];
    if (images.length > 1 && command.length > 0) throw new KubectlError('cannot specify multiple --image options and command');
    const port = call.flags.int('port');
    const names = new Map<string, number>();
    const containers = images.map((image, i) => {
      const base = containerName(image);
      const count = names.get(base) ?? 0;
      names.set(base, count + 1);
      return { image, name: count === 0 ? base : `${base}-${count}`, ...(command.length > 0 && { command }), ...(port >= 0 && i === 0 && { ports: [{ containerPort: port }] }), resources: {} };
    });
    const labels = { app: name };
    return [{
      apiVersion: 'apps/v1', kind: 'Deployment', metadata: { labels, name },
      spec: { replicas: call.flags.int('replicas'), selector: { matchLabels: labels }, strategy: {}, template: { metadata: { labels }, spec: { containers } } },
      status: {},
    }];
  },
};

const quotaGenerator: Generator = {
  usage: 'NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2] [--dry-run=server|client|none]', summary: 'Create a quota with the specified name',
  flags: { hard: { type: 'string', usage: 'A comma-delimited set of resource=quantity pairs that define a hard limit.' }, scopes: { type: 'string', usage: 'A comma-delimited set of quota scopes.' } },
  generate(call) {
    const hard = Object.fromEntries(call.flags.string('hard').split(',').filter(Boolean).map((pair) => {
      const [name, amount, more] = pair.split('=');
      if (!amount || more !== undefined) throw new KubectlError(`Invalid argument syntax ${pair}, expected <resource>=<value>`);
      if (!isQuantity(amount)) throw new KubectlError(QUANTITY_FAULT);
      return [name!, amount];
    }));
    const scopes = call.flags.string('scopes').split(',').filter(Boolean);
    return [{ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: nameOf(call) }, spec: { ...(Object.keys(hard).length > 0 && { hard }), ...(scopes.length > 0 && { scopes }) }, status: {} }];
  },
};

function certificateFile(call: Call, flag: 'cert' | 'key'): Buffer {
  if (!call.flags.string('cert') || !call.flags.string('key')) throw new KubectlError('key and cert must be specified');
  return readBytes(call.flags.string(flag), (why) => `Cannot read file ${call.flags.string(flag)}, open ${call.flags.string(flag)}: ${why}`);
}

const secretGenerator: Generator = {
  usage: '(docker-registry | generic | tls)', summary: 'Create a secret using a specified subcommand', flags: {},
  verbs: {
    generic: {
      usage: 'NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]', summary: 'Create a secret from a local file, directory, or literal value',
      flags: { ...dataFlags, ...hashFlag, type: { type: 'string', usage: 'The type of secret to create' } },
      generate: (call) => secretType(call, call.flags.string('type'), dataOf(call)),
    },
    tls: {
      usage: 'NAME --cert=path/to/cert/file --key=path/to/key/file [--dry-run=server|client|none]', summary: 'Create a TLS secret',
      flags: { ...hashFlag, cert: { type: 'string', usage: 'Path to PEM encoded public key certificate.' }, key: { type: 'string', usage: 'Path to private key associated with given certificate.' } },
      generate: (call) => secretType(call, 'kubernetes.io/tls', [['tls.crt', certificateFile(call, 'cert')], ['tls.key', certificateFile(call, 'key')]]),
    },
    'docker-registry': {
      usage: 'NAME --docker-username=user --docker-password=password --docker-email=email [--docker-server=string] [--from-file=[key=]source] [--dry-run=server|client|none]', summary: 'Create a secret for use with a Docker registry',
      flags: {
        ...hashFlag, 'from-file': { type: 'array', usage: 'A file with the credentials, as .dockerconfigjson: in the place of server, user and password.' },
        'docker-server': { type: 'string', default: 'https://index.docker.io/v1/', usage: 'Server location for Docker registry' }, 'docker-username': { type: 'string', usage: 'Username for Docker registry authentication' },
        'docker-password': { type: 'string', usage: 'Password for Docker registry authentication' }, 'docker-email': { type: 'string', usage: 'Email for Docker registry' },
      },
      generate(call) {
        if (call.flags.strings('from-file').length > 0) return secretType(call, 'kubernetes.io/dockerconfigjson', dataOf(call).map(([key, bytes]) => [key === '.dockerconfigjson' || call.flags.strings('from-file').length > 1 ? key : '.dockerconfigjson', bytes]));
        if (!call.flags.string('docker-username') || !call.flags.string('docker-password')) throw new KubectlError('either --from-file or the combination of --docker-username, --docker-password and --docker-server is required');
        const [username, password, email] = [call.flags.string('docker-username'), call.flags.string('docker-password'), call.flags.string('docker-email')];
        const auth = Buffer.from(`${username}:${password}`).toString('base64');
        const config = { auths: { [call.flags.string('docker-server')]: { username, password, ...(email && { email }), auth } } };
        return secretType(call, 'kubernetes.io/dockerconfigjson', [['.dockerconfigjson', Buffer.from(JSON.stringify(config))]]);
      },
    },
  },
};

const jobGenerator: Generator = {
  usage: 'NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]', summary: 'Create a job with the specified name',
  flags: { image: { type: 'string', usage: 'Image name to run.' }, from: { type: 'string', usage: 'The name of the resource to create a Job from (only cronjob is supported).' } },
  async generate(call) {
    const name = nameOf(call, call.args.length);
    const [from, image] = [call.flags.string('from'), call.flags.string('image')];
    if ((from === '') === (image === '')) throw new KubectlError('either --image or --from must be specified');
    if (!from) return [{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: { template: podTemplateOf(image, name, commandAfterDash(call), 'Never') }, status: {} }];
    if (commandAfterDash(call).length > 0) throw new KubectlError('cannot specify --from and command');
    const [target] = await resolveTargets(call, { args: [from] });
    if (target!.name === undefined) throw new KubectlError('resource(s) were provided, but no name was specified');
    const cronJob = await call.session.json<CronJob>(targetPath(target!));
    if (cronJob.kind !== 'CronJob') throw new KubectlError(`unknown object type *${parseApiVersion(cronJob.apiVersion ?? 'v1').version}.${cronJob.kind as string}`);
    const { metadata, spec } = cronJob.spec.jobTemplate;
    return [{
      apiVersion: 'batch/v1', kind: 'Job', spec, status: {},
      metadata: { name, ...(metadata?.labels !== undefined && { labels: metadata.labels }), annotations: { ...metadata?.annotations, 'cronjob.kubernetes.io/instantiate': 'manual' }, ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: cronJob.metadata.name, uid: cronJob.metadata.uid, controller: true }] },
    }];
  },
};

const cronJobGenerator: Generator = {
  usage: "NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...] [flags]", summary: 'Create a cron job with the specified name',
  flags: { image: { type: 'string', usage: 'Image name to run.' }, schedule: { type: 'string', usage: 'A schedule in the Cron format the job should be run with.' }, restart: { type: 'string', default: 'OnFailure', usage: 'job\'s restart policy. supported values: OnFailure, Never' } },
  generate(call) {
    requireFlags(call, 'image', 'schedule');
    const name = nameOf(call, call.args.length);
    return [{ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name }, spec: { jobTemplate: { metadata: { name }, spec: { template: podTemplateOf(call.flags.string('image'), name, commandAfterDash(call), call.flags.string('restart')) } }, schedule: call.flags.string('schedule') }, status: {} }];
  },
};

const clusterRoleGenerator: Generator = {
  usage: 'NAME --verb=verb --resource=resource.group [--resource-name=resourcename] [--dry-run=server|client|none]', summary: 'Create a cluster role',
  flags: {
    ...roleFlags, 'non-resource-url': { type: 'strings', usage: 'A partial url that user should have access to.' },
    'aggregation-rule': { type: 'string', usage: 'An aggregation label selector for combining ClusterRoles.' },
  },
  async generate(call) {
    const base = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: nameOf(call) } };
    const { flags } = call;
    const [aggregation, urls, verbs] = [flags.string('aggregation-rule'), flags.strings('non-resource-url'), flags.strings('verb')];
    if (aggregation) {
      const bad = aggregation.split(',').find((pair) => !pair.includes('='));
      if (bad !== undefined) throw new UsageError(`invalid argument "${aggregation}" for "--aggregation-rule" flag: malformed pair, expect string=string`);
      if (urls.length > 0 || verbs.length > 0 || flags.strings('resource').length > 0 || flags.strings('resource-name').length > 0) throw new KubectlError('aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames');
      return [{ ...base, aggregationRule: { clusterRoleSelectors: [{ matchLabels: parseLabels(aggregation) }] }, rules: null }];
    }
    for (const url of urls) if (url !== '*' && !url.startsWith('/')) throw new KubectlError('nonResourceURL should start with /');
    const stray = urls.length > 0 && flags.strings('resource').length === 0 ? verbs.find((verb) => !URL_VERBS.includes(verb)) : undefined;
    if (stray !== undefined) throw new KubectlError(`invalid verb: '${stray}' for nonResourceURL`);
    const rules = flags.strings('resource').length > 0 || urls.length === 0 ? await rulesOf(call) : [];
    return [{ ...base, rules: [...rules, ...(urls.length > 0 ? [{ nonResourceURLs: [...urls], verbs: [...verbs] }] : [])] }];
  },
};

/** A selector as an object has it: pairs apart from expressions. Upstream: apimachinery pkg/apis/meta/v1, ParseToLabelSelector. */
function labelSelectorOf(text: string): unknown {
  const operators: Readonly<Record<string, string>> = { in: 'In', notin: 'NotIn', '!=': 'NotIn', exists: 'Exists', '!': 'DoesNotExist' };
  const pairs: [string, string][] = [];
  const matchExpressions: unknown[] = [];
  for (const { key, operator, values } of parseSelector(text).requirements) {
    if (operator === '=' || operator === '==') pairs.push([key, values[0] ?? '']);
    else if (!operators[operator]) throw new KubectlError(`"${operator === 'gt' ? '>' : '<'}" isn't supported in label selectors`);
    else matchExpressions.push({ key, operator: operators[operator], ...(values.length > 0 && { values }) });
  }
  return { ...(matchExpressions.length > 0 && { matchExpressions }), ...(pairs.length > 0 && { matchLabels: Object.fromEntries(pairs) }) };
}

const disruptionBudgetGenerator: Generator = {
  usage: 'NAME --selector=SELECTOR --min-available=N [--dry-run=server|client|none]', summary: 'Create a pod disruption budget with the specified name',
  flags: {
    'min-available': { type: 'string', usage: 'The minimum number or percentage of available pods this budget requires.' }, 'max-unavailable': { type: 'string', usage: 'The maximum number or percentage of unavailable pods this budget requires.' },
    selector: { type: 'string', usage: 'A label selector to use for this budget. Only equality-based selector requirements are supported.' },
  },
  generate(call) {
    const [min, max, selector] = [call.flags.string('min-available'), call.flags.string('max-unavailable'), call.flags.string('selector')];
    const name = nameOf(call);
    if (!selector) throw new KubectlError('a selector must be specified');
    if (!min && !max) throw new KubectlError('one of min-available or max-unavailable must be specified');
    if (min && max) throw new KubectlError('min-available and max-unavailable cannot be both specified');
    for (const flag of ['min-available', 'max-unavailable']) {
      const text = call.flags.string(flag);
      if (text && !/^\d+%?$/.test(text)) throw new KubectlError(`invalid format specified for ${flag}`);
    }
    const amount = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text);
    return [{
      apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name }, spec: { ...(min ? { minAvailable: amount(min) } : { maxUnavailable: amount(max) }), selector: labelSelectorOf(selector) },
      status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
    }];
  },
};

function int32Of({ flags }: Call, flag: string): number {
  const value = flags.int(flag);
  if (Math.abs(value) > 2 ** 31 - 1) throw new UsageError(`invalid argument "${value}" for "--${flag}" flag: strconv.ParseInt: parsing "${value}": value out of range`);
  return value;
}

const priorityClassGenerator: Generator = {
  usage: 'NAME --value=VALUE --global-default=BOOL [--dry-run=server|client|none]', summary: 'Create a priority class with the specified name',
  flags: {
    value: { type: 'int', usage: 'the value of this priority class.' }, 'global-default': { type: 'bool', usage: 'global-default specifies whether this PriorityClass should be considered as the default priority.' },
    description: { type: 'string', usage: 'description is an arbitrary string that usually provides guidelines on when this priority class should be used.' },
    'preemption-policy': { type: 'string', default: 'PreemptLowerPriority', usage: 'preemption-policy is the policy for preempting pods with lower priority.' },
  },
  generate: (call) => [{
    apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: nameOf(call) }, value: int32Of(call, 'value'), ...(call.flags.bool('global-default') && { globalDefault: true }),
    ...(call.flags.string('description') && { description: call.flags.string('description') }), preemptionPolicy: call.flags.string('preemption-policy'),
  }],
};

const ingressGenerator: Generator = { usage: 'NAME --rule=host/path=service:port[,tls[=secret]]', summary: 'Create an ingress with the specified name', flags: ingressFlags, generate: (call) => [ingressOf(call, nameOf(call))] };

const serviceGenerator: Generator = { usage: '(clusterip | nodeport | loadbalancer | externalname)', summary: 'Create a service using a specified subcommand', flags: {}, verbs: serviceVerbs };

/** `kubectl create NOUN`, one line a noun and its aliases. */
export const createGenerators: Readonly<Record<string, Generator>> = {
  clusterrole: clusterRoleGenerator,
  clusterrolebinding: { usage: 'NAME --clusterrole=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]', summary: 'Create a cluster role binding for a particular cluster role', flags: clusterBindingFlags, generate(call) { requireFlags(call, 'clusterrole'); return bindingOf(call, 'ClusterRoleBinding'); } },
  configmap: configMapGenerator,
  cm: configMapGenerator,
  cronjob: cronJobGenerator,
  cj: cronJobGenerator,
  deployment: deploymentGenerator,
  deploy: deploymentGenerator,
  ingress: ingressGenerator,
  ing: ingressGenerator,
  job: jobGenerator,
  namespace: namespaceGenerator,
  ns: namespaceGenerator,
  poddisruptionbudget: disruptionBudgetGenerator,
  pdb: disruptionBudgetGenerator,
  priorityclass: priorityClassGenerator,
  pc: priorityClassGenerator,
  quota: quotaGenerator,
  resourcequota: quotaGenerator,
  role: { usage: 'NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename] [--dry-run=server|client|none]', summary: 'Create a role with single rule', flags: roleFlags, generate: async (call) => [{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: nameOf(call) }, rules: await rulesOf(call) }] },
  rolebinding: { usage: 'NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]', summary: 'Create a role binding for a particular role or cluster role', flags: bindingFlags, generate: (call) => bindingOf(call, 'RoleBinding') },
  secret: secretGenerator,
  service: serviceGenerator,
  svc: serviceGenerator,
  serviceaccount: serviceAccountGenerator,
  sa: serviceAccountGenerator,
};
