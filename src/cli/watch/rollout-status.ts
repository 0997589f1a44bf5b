import type { DaemonSet, Deployment, StatefulSet } from '../../api/generated/apps-v1.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** How far a rollout is, in kubectl's words. Throws KubectlError when it cannot succeed any more. Upstream: kubectl pkg/polymorphichelpers/rollout_status.go. */
export function rolloutStatus(object: Deployment | DaemonSet | StatefulSet, revision = 0): { readonly message: string; readonly done: boolean } {
  if (object.kind === 'Deployment') return deploymentStatus(object as Deployment, revision);
  if (object.kind === 'DaemonSet') return daemonSetStatus(object as DaemonSet);
  if (object.kind === 'StatefulSet') return statefulSetStatus(object as StatefulSet);
  throw new KubectlError(`no status viewer has been implemented for ${object.kind}${object.apiVersion?.includes('/') ? `.${object.apiVersion.split('/')[0]}` : ''}`);
}

const more = (message: string): { message: string; done: false } => ({ message: `${message}\n`, done: false });
const finished = (message: string): { message: string; done: true } => ({ message: `${message}\n`, done: true });

function deploymentStatus({ metadata, spec, status = {} }: Deployment, revision: number): { message: string; done: boolean } {
  const { name } = metadata;
  const current = Number(metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0);
  if (revision > 0 && revision !== current) throw new KubectlError(`desired revision (${revision}) is different from the running revision (${current})`);
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0)) return more('Waiting for deployment spec update to be observed...');
  if (status.conditions?.some(({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded')) throw new KubectlError(`deployment "${name}" exceeded its progress deadline`);
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  if (spec.replicas !== undefined && updatedReplicas < spec.replicas) return more(`Waiting for deployment "${name}" rollout to finish: ${updatedReplicas} out of ${spec.replicas} new replicas have been updated...`);
  if (replicas > updatedReplicas) return more(`Waiting for deployment "${name}" rollout to finish: ${replicas - updatedReplicas} old replicas are pending termination...`);
  if (availableReplicas < updatedReplicas) return more(`Waiting for deployment "${name}" rollout to finish: ${availableReplicas} of ${updatedReplicas} updated replicas are available...`);
  return finished(`deployment "${name}" successfully rolled out`);
}

function daemonSetStatus({ metadata, spec, status }: DaemonSet): { message: string; done: boolean } {
  const { name } = metadata;
  if (spec.updateStrategy?.type !== 'RollingUpdate') throw new KubectlError('rollout status is only available for RollingUpdate strategy type');
  if ((metadata.generation ?? 0) > (status?.observedGeneration ?? 0)) return more('Waiting for daemon set spec update to be observed...');
  const { updatedNumberScheduled = 0, desiredNumberScheduled = 0, numberAvailable = 0 } = status ?? {};
  if (updatedNumberScheduled < desiredNumberScheduled) return more(`Waiting for daemon set "${name}" rollout to finish: ${updatedNumberScheduled} out of ${desiredNumberScheduled} new pods have been updated...`);
  if (numberAvailable < desiredNumberScheduled) return more(`Waiting for daemon set "${name}" rollout to finish: ${numberAvailable} of ${desiredNumberScheduled} updated pods are available...`);
  return finished(`daemon set "${name}" successfully rolled out`);
}

function statefulSetStatus({ metadata, spec, status }: StatefulSet): { message: string; done: boolean } {
  if (spec.updateStrategy?.type !== 'RollingUpdate') throw new KubectlError('rollout status is only available for RollingUpdate strategy type');
  if (status?.observedGeneration === undefined || (metadata.generation ?? 0) > status.observedGeneration) return more('Waiting for statefulset spec update to be observed...');
  const { readyReplicas = 0, updatedReplicas = 0, currentReplicas = 0, updateRevision, currentRevision } = status;
  const replicas = spec.replicas ?? 1;
  if (readyReplicas < replicas) return more(`Waiting for ${replicas - readyReplicas} pods to be ready...`);
  const partition = spec.updateStrategy.rollingUpdate?.partition ?? 0;
  if (partition > 0) {
    if (updatedReplicas < replicas - partition) return more(`Waiting for partitioned roll out to finish: ${updatedReplicas} out of ${replicas - partition} new pods have been updated...`);
    return finished(`partitioned roll out complete: ${updatedReplicas} new pods have been updated...`);
  }
  if (updateRevision !== currentRevision) return more(`waiting for statefulset rolling update to complete ${updatedReplicas} pods at revision ${updateRevision}...`);
  return finished(`statefulset rolling update complete ${currentReplicas} pods at revision ${currentRevision}...`);
}
