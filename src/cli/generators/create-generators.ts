import type { CronJob } from '../../api/generated/batch-v1.ts';
import { parseApiVersion } from '../../api/resources.ts';
import { parseSelector } from '../../api/selector.ts';
import { UsageError } from '../command/flags.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import type { Call } from '../command/verb.ts';
import { QUANTITY_FAULT, isQuantity } from '../mutation/quantity-fault.ts';
import { resolveTargets, targetPath } from '../targets/targets.ts';
import { configMapGenerator, secretGenerator } from './data.ts';
import { nameOf, requireFlags } from './generator-arguments.ts';
import type { Generator } from './generator.ts';
import { ingressFlags, ingressOf } from './ingress.ts';
import { containerName } from './pod-template.ts';
import { clusterRoleBindingGenerator, clusterRoleGenerator, roleBindingGenerator, roleGenerator } from './rbac.ts';
import { serviceGenerator } from './service.ts';

const commandAfterDash = (call: Call): readonly string[] => (call.dashAt >= 0 ? call.args.slice(call.dashAt) : call.args.slice(1));

function podTemplateOf(image: string, name: string, command: readonly string[], restartPolicy: string): unknown {
  return { metadata: {}, spec: { containers: [{ image, name, resources: {}, ...(command.length > 0 && { command: [...command] }) }], restartPolicy } };
}

const namespaceGenerator: Generator = {
  usage: 'NAME [--dry-run=server|client|none]', summary: 'Create a namespace with the specified name', flags: {},
  generate: (call) => [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: nameOf(call) }, spec: {}, status: {} }],
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

/** `kubectl create NOUN`, one line a noun and its aliases. */
export const createGenerators: Readonly<Record<string, Generator>> = {
  clusterrole: clusterRoleGenerator,
  clusterrolebinding: clusterRoleBindingGenerator,
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
  role: roleGenerator,
  rolebinding: roleBindingGenerator,
  secret: secretGenerator,
  service: serviceGenerator,
  svc: serviceGenerator,
  serviceaccount: serviceAccountGenerator,
  sa: serviceAccountGenerator,
};
