import { MAX_SCORE, type SchedulerPlugin } from '../framework.ts';
import type { PluginContext } from './plugin-context.ts';

const MIB = 2 ** 20;
/** Smaller images are soon pulled; larger ones count for no more than this, a container. */
const MIN = 23 * MIB;
const MAX_PER_CONTAINER = 1000 * MIB;

/** Prefers nodes that have the pod's images, less so those that few nodes have. Upstream: plugins/imagelocality. */
export const imageLocality = ({ cluster }: PluginContext): SchedulerPlugin<unknown, State> => ({
  name: 'ImageLocality',
  preScore({ pod: { spec } }) {
    const containers = [...(spec.initContainers ?? []), ...spec.containers];
    const names = [...containers.map(({ image }) => image), ...(spec.volumes ?? []).map(({ image }) => image?.reference)].flatMap((image) => (image ? [withTag(image)] : []));
    const images = names.map((name) => ({ name, spread: cluster.nodesWithImage(name) / cluster.nodes().length })).filter(({ spread }) => spread > 0);
    return images.length === 0 ? 'skip' : { images, max: MAX_PER_CONTAINER * containers.length };
  },
  score({ images, max }, _pod, node) {
    let sum = 0;
    for (const { name, spread } of images) sum += Math.trunc((node.images.get(name) ?? 0) * spread);
    return Math.trunc((MAX_SCORE * (Math.min(Math.max(sum, MIN), max) - MIN)) / (max - MIN));
  },
});

interface State {
  /** Those of the pod's images that some node has, and the share of nodes that have them. */
  readonly images: readonly { readonly name: string; readonly spread: number }[];
  readonly max: number;
}

function withTag(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}
