import type { FlagSpecs } from '../command/flags.ts';
import { withLastApplied } from '../apply/last-applied.ts';
import { createObject, dryRunOf, writeFlags } from '../mutation/mutation.ts';
import { listTargets } from '../targets/selected-targets.ts';
import { fileFlags, targetPath } from '../targets/targets.ts';
import { apiVersionOf } from '../../api/object.ts';
import type { DiscoveredResource } from '../command/resource-mapper.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  ...writeFlags('kubectl-autoscale'), ...fileFlags,
  min: { type: 'int', default: -1, usage: 'The lower limit for the number of pods that can be set by the autoscaler.' },
  max: { type: 'int', default: -1, usage: 'The upper limit for the number of pods that can be set by the autoscaler. Required.' },
  'cpu-percent': { type: 'int', default: -1, usage: 'The target average CPU utilization (represented as a percent of requested CPU) over all the pods.' },
  cpu: { type: 'string', usage: 'Target CPU utilization over all the pods: a percentage of the requested CPU ("70%"), or a quantity for the average ("500m"; without a unit: millis).' },
  memory: { type: 'string', usage: 'Target memory utilization over all the pods: a percentage of the requested memory ("60%"), or a quantity for the average ("200Mi"; without a unit: mebibytes).' },
  'save-config': { type: 'bool', usage: 'Keep the object as given in its annotation, so that it can be applied later.' },
  name: { type: 'string', usage: 'The name for the newly created object. If not specified, the name of the input resource will be used.' },
} as const satisfies FlagSpecs;

export const verb: Verb = {
  usage: '(-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU] [--memory=MEMORY]',
  summary: 'Auto-scale a deployment, replica set, stateful set, or replication controller',
  flags,
  async run(call) {
    const { flags: given } = call;
    const [min, max, cpu] = [given.int('min'), given.int('max'), given.int('cpu-percent')];
    if (!given.changed('max')) throw new KubectlError('required flag(s) "max" not set');
    if (max < 1) throw new KubectlError(`--max=MAXPODS is required and must be at least 1, max: ${max}`);
    if (max < min) throw new KubectlError(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${max}, min: ${min}`);
    if (given.changed('cpu-percent') && given.changed('cpu')) throw new KubectlError('--cpu-percent and --cpu are mutually exclusive');
    const metrics = [
      ...(cpu >= 0 ? [metric('cpu', { type: 'Utilization', averageUtilization: cpu })] : []), ...metricOf('cpu', given.string('cpu'), 'm'), ...metricOf('memory', given.string('memory'), 'Mi'),
    ];
    for (const target of await listTargets(call)) {
      const { resource, name } = target;
      if (!['Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController'].includes(resource.kind) && !(await canScale(call, resource))) {
        throw new KubectlError(`cannot autoscale a ${resource.kind}: could not find scale subresource for ${resource.group}/${resource.version}, Resource=${resource.resource} in discovery information`);
      }
      if (!target.object) await call.session.json(targetPath(target));
      const autoscaler = {
        apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: given.string('name') || name },
        spec: {
          maxReplicas: max, ...(metrics.length > 0 && { metrics }), ...(min > 0 && { minReplicas: min }), scaleTargetRef: { apiVersion: apiVersionOf(resource), kind: resource.kind, name },
        },
        status: { currentMetrics: null, desiredReplicas: 0 },
      };
      await createObject(call, given.bool('save-config') ? withLastApplied(autoscaler) : autoscaler, 'kubectl-autoscale', dryRunOf(given) === 'client' ? 'created' : 'autoscaled');
    }
  },
};

const metric = (name: string, target: object): object => ({ type: 'Resource', resource: { name, target } });

/** The metric that `--cpu` or `--memory` asks for; none where it is not given. */
function metricOf(name: 'cpu' | 'memory', text: string, unit: string): object[] {
  if (!text) return [];
  if (text.endsWith('%')) {
    const percent = Number(text.slice(0, -1));
    if (!/^\d+%$/.test(text) || percent > 2 ** 31 - 1) throw new KubectlError(`invalid percentage value: ${text.slice(0, -1)}`);
    return [metric(name, { type: 'Utilization', averageUtilization: percent })];
  }
  const quantity = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) + unit : text;
  if (!/^\d+(?:\.\d+)?(?:m|k|[MGTPE]i?|Ki)?$/.test(quantity)) throw new KubectlError(`invalid resource ${name} value: ${text}`);
  return [metric(name, { type: 'AverageValue', averageValue: quantity })];
}

/** Custom resources may have a scale, too. */
async function canScale({ session }: Call, { group, version, resource }: DiscoveredResource): Promise<boolean> {
  const list = await session.json<{ readonly resources: readonly { readonly name: string }[] }>(group ? `/apis/${group}/${version}` : `/api/${version}`);
  return list.resources.some(({ name }) => name === `${resource}/scale`);
}
