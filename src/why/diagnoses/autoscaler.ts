import type { HorizontalPodAutoscaler } from '../../api/generated/autoscaling-v2.ts';
import type { Diagnose } from '../finding.ts';
import { kindWords } from '../words.ts';

/** Autoscalers that cannot measure or cannot scale. */
export const autoscaler: Diagnose = ({ focus, wherry }) => {
  if (focus.kind !== 'HorizontalPodAutoscaler') return [];
  const { metadata: { name }, spec, status } = focus as HorizontalPodAutoscaler;
  const target = spec?.scaleTargetRef;
  const named = `the ${kindWords(target?.kind ?? 'object')} ${target?.name}`;
  const fault = (type: string): { readonly reason?: string; readonly message?: string } | undefined => status?.conditions?.find((condition) => condition.type === type && condition.status === 'False');
  const unable = fault('AbleToScale');
  if (unable?.reason === 'FailedGetScale') return [{ waitsFor: `${named}, for the autoscaler ${name}`, because: [`It is told to scale ${named}, and cannot find how many pods that has.`, unable.message ?? ''], help: [`Correct scaleTargetRef, or make it: kubectl get ${target?.kind?.toLowerCase()}s`] }];
  const inactive = fault('ScalingActive');
  if (!inactive) return [];
  if (inactive.reason === 'ScalingDisabled') return [{ waitsFor: `somebody to want pods of ${named}`, because: [`It is scaled to 0, and what has no pods has nothing to measure: the autoscaler ${name} rests.`], help: [`Say how many to begin with: kubectl scale ${target?.kind?.toLowerCase()}/${target?.name} --replicas=1`] }];
  const message = inactive.message ?? '';
  const [, resource, container, pod] = /missing request for (\S+) in container (\S+) of Pod (\S+)/.exec(message) ?? [];
  const waitsFor = `measures, for the autoscaler ${name} of ${named}`;
  if (resource) return [{ waitsFor, because: [`Use is counted in percent of what a container asks for, and the container ${container} (in the pod ${pod}) asks for no ${resource}.`], help: [`Say how much it needs: kubectl set resources ${target?.kind?.toLowerCase()}/${target?.name} --requests=${resource}=${resource === 'memory' ? '64Mi' : '100m'}`] }];
  const none = /no metrics returned|did not receive metrics|unable to fetch metrics from resource metrics API|metrics not available/.test(message);
  return [{
    waitsFor,
    because: [none ? 'It knows of no use of these pods yet.' : 'It cannot learn how busy these pods are.', `It says: ${message}`],
    help: /could not find the requested resource|no matches/.test(message) ? ['Metrics are measured by an add-on that this cluster has not: install metrics-server.']
      : wherry ? ['Wait a minute: pods are measured when they have run for a while.', 'See what is measured: kubectl top pods'] : ['Wait a minute; then see what is measured: kubectl top pods. If that fails, see whether metrics-server runs.'],
  }];
};
