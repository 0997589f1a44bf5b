import type { FlagSpecs } from '../flags.ts';
import { withLastApplied } from '../last-applied.ts';
import { createObject, dryRunOf, writeFlags } from '../mutation.ts';
import { listTargets } from '../selected-targets.ts';
import { fileFlags, targetPath } from '../targets.ts';
import { apiVersionOf } from '../../api/object.ts';
import type { DiscoveredResource } from '../resource-mapper.ts';
import { KubectlError, type Call, type Verb } from '../verb.ts';

const flags = {
  ...writeFlags('kubectl-autoscale'), ...fileFlags,
  min: { type: 'int', default: -1, usage: 'The lower limit for the number of pods that can be set by the autoscaler.' },
  max: { type: 'int', default: -1, usage: 'The upper limit for the number of pods that can be set by the autoscaler. Required.' },
  'cpu-percent': { type: 'int', default: -1, usage: 'The target average CPU utilization (represented as a percent of requested CPU) over all the pods.' },
  'save-config': { type: 'bool', usage: 'Keep the object as given in its annotation, so that it can be applied later.' },
  name: { type: 'string', usage: 'The name for the newly created object. If not specified, the name of the input resource will be used.' },
} as const satisfies FlagSpecs;

export const verb: Verb = {
  usage: '(-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu-percent=CPU]',
  summary: 'Auto-scale a deployment, replica set, stateful set, or replication controller',
  flags,
  async run(call) {
    const { flags: given } = call;
    const [min, max, cpu] = [given.int('min'), given.int('max'), given.int('cpu-percent')];
    if (!given.changed('max')) throw new KubectlError('required flag(s) "max" not set');
    if (max < 1) throw new KubectlError(`--max=MAXPODS is required and must be at least 1, max: ${max}`);
    if (max < min) throw new KubectlError(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${max}, min: ${min}`);
    for (const target of await listTargets(call)) {
      const { resource, name } = target;
      if (!['Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController'].includes(resource.kind) && !(await canScale(call, resource))) {
        throw new KubectlError(`cannot autoscale a ${resource.kind}: could not find scale subresource for ${resource.group}/${resource.version}, Resource=${resource.resource} in discovery information`);
      }
      if (!target.object) await call.session.json(targetPath(target));
      const autoscaler = {
        apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: given.string('name') || name },
        spec: {
          maxReplicas: max, ...(cpu >= 0 && { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: cpu } } }] }), ...(min > 0 && { minReplicas: min }), scaleTargetRef: { apiVersion: apiVersionOf(resource), kind: resource.kind, name },
        },
        status: { currentMetrics: null, desiredReplicas: 0 },
      };
      await createObject(call, given.bool('save-config') ? withLastApplied(autoscaler) : autoscaler, 'kubectl-autoscale', dryRunOf(given) === 'client' ? 'created' : 'autoscaled');
    }
  },
};

/** Custom resources may have a scale, too. */
async function canScale({ session }: Call, { group, version, resource }: DiscoveredResource): Promise<boolean> {
  const list = await session.json<{ readonly resources: readonly { readonly name: string }[] }>(group ? `/apis/${group}/${version}` : `/api/${version}`);
  return list.resources.some(({ name }) => name === `${resource}/scale`);
}
