import { badRequest } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';

/** The container that a request about a pod means: the one it names, or the only one. Upstream: pkg/registry/core/pod.validateContainer. */
export function containerOfPod(pod: Pod, asked: string): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  const names = [...initContainers, ...containers, ...ephemeralContainers].map((container) => container.name);
  const { name } = pod.metadata;
  if (asked) {
    if (!names.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`);
    return asked;
  }
  if (containers.length === 1) return containers[0]!.name;
  if (containers.length === 0) throw badRequest(`a container name must be specified for pod ${name}`);
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${names.join(' ')}]`);
}
