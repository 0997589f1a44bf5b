import { createHash } from 'node:crypto';
import { parseAllDocuments } from 'yaml';
import { MANIFEST_YAML } from '../../base/manifest-yaml.ts';
import type { Pod, Toleration } from '../../api/generated/core-v1.ts';
import { pod as podKind } from '../../api/kinds/pod.ts';
import type { New } from '../../api/object.ts';
import { decode } from '../../api/schema/decode.ts';
import { applyTableDefaults } from '../../api/schema/table-defaults.ts';

const TYPE = 'io.k8s.api.core.v1.Pod';
const EVERYTHING: Toleration = { operator: 'Exists', effect: 'NoExecute' };

export const hashAnnotation = 'kubernetes.io/config.hash';
export const sourceAnnotation = 'kubernetes.io/config.source';
export const mirrorAnnotation = 'kubernetes.io/config.mirror';

/**
 * The pod of a manifest, as it runs on this node: with defaults, named after the node, with a uid that tells one content from another. Throws
 * on anything that is no valid pod. Upstream: kubelet/config/common.go applyDefaults, tryDecodeSinglePod.
 */
export function staticPod(text: string, path: string, nodeName: string): Pod {
  const [document, ...more] = parseAllDocuments(text, MANIFEST_YAML);
  if (!document || more.length > 0) throw new Error(`${path}: one pod a file is wanted`);
  if (document.errors[0]) throw new Error(`${path}: ${document.errors[0].message}`);
  const given = document.toJS() as { readonly apiVersion?: unknown; readonly kind?: unknown } | null;
  if (given?.kind !== 'Pod' || given.apiVersion !== 'v1') throw new Error(`${path}: a Pod of v1 is wanted`);
  const { object } = decode<Pod>(TYPE, given);
  if (!object.metadata?.name) throw new Error(`${path}: invalid pod: name is needed for the pod`);
  const uid = createHash('md5').update(`${JSON.stringify(object)}\nhost:${nodeName}\nfile:${path}`).digest('hex');
  const tolerations = object.spec.tolerations ?? [];
  const placed: Pod = {
    ...object,
    metadata: {
      ...object.metadata, uid, name: `${object.metadata.name}-${nodeName}`, namespace: object.metadata.namespace || 'default', resourceVersion: '', creationTimestamp: '',
      annotations: { ...object.metadata.annotations, [hashAnnotation]: uid, [sourceAnnotation]: 'file' },
    },
    spec: { ...object.spec, nodeName, tolerations: tolerations.some(({ operator, effect, key }) => operator === 'Exists' && effect === 'NoExecute' && !key) ? tolerations : [...tolerations, EVERYTHING] },
    status: { phase: 'Pending' },
  };
  const pod = podKind.defaults!(applyTableDefaults<Pod>(TYPE, placed));
  const [fault] = podKind.validate!(pod);
  if (fault) throw new Error(`${path}: ${fault.field}: ${fault.message}`);
  const reference = apiReference(pod);
  if (reference) throw new Error(`${path}: static pods may not use ${reference}`);
  return { ...pod, apiVersion: 'v1', kind: 'Pod' };
}

/** A static pod runs before and without the API: what it would have to ask there it cannot have. */
function apiReference({ spec }: Pod): string | undefined {
  if (spec.resourceClaims?.length) return 'ResourceClaims';
  if (spec.serviceAccountName) return 'service accounts';
  const sources = (spec.volumes ?? []).flatMap((volume) => volume.projected?.sources ?? []);
  if (sources.some(({ clusterTrustBundle }) => clusterTrustBundle)) return 'ClusterTrustBundle projected volume sources';
  if ((spec.volumes ?? []).some((volume) => volume.configMap || volume.secret) || sources.some(({ configMap, secret }) => configMap || secret)) return 'config maps and secrets';
  return undefined;
}

/** What stands for a static pod in the API. Upstream: kubelet/pod/mirror_client.go. */
export function mirrorPod(pod: Pod, nodeUid: string): New<Pod> {
  const { name, namespace, labels, annotations, uid } = pod.metadata;
  const owner = { apiVersion: 'v1', kind: 'Node', name: pod.spec.nodeName!, uid: nodeUid, controller: true };
  return { metadata: { name, namespace, ...(labels && { labels }), annotations: { ...annotations, [mirrorAnnotation]: uid }, ownerReferences: [owner] }, spec: pod.spec };
}
