import { MAX_SCORE, type SchedulerPlugin } from '../framework.ts';
import type { PluginContext } from './plugin-context.ts';

const MIB = 2 ** 20;
/** Smaller images are soon pulled; larger ones count for no more than this, a container. */
const MIN = 23 * MIB;
const MAX_PER_CONTAINER = 1000 * MIB;

/** Prefers nodes that have the pod's images, less so those that few nodes have. Upstream: plugins/imagelocality. */
export const imageLocality = ({ cluster }: PluginContext): SchedulerPlugin => ({
  name: 'ImageLocality',
  score(_state, { pod }, node) {
    const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
    const images = [...containers.map(({ image }) => image), ...(pod.spec.volumes ?? []).map(({ image }) => image?.reference)];
    let sum = 0;
    for (const image of images) {
      const name = image && withTag(image);
      const size = name && node.images.get(name);
      if (size) sum += Math.trunc(size * (cluster.nodesWithImage(name) / cluster.nodes().length));
    }
    const max = MAX_PER_CONTAINER * containers.length;
    return Math.trunc((MAX_SCORE * (Math.min(Math.max(sum, MIN), max) - MIN)) / (max - MIN));
  },
});

function withTag(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}
