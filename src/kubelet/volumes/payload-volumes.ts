import type { PodSpec, Volume } from '../../api/generated/core-v1.ts';
import type { PayloadFile } from './atomic-writer.ts';
import { writeAtomically } from './atomic-writer.ts';
import { giveToGroup } from './ownership.ts';
import { configMapPayload, downwardPayload, secretPayload } from './payload.ts';
import type { MountedVolume, VolumeContext, VolumeType } from './volume-type.ts';

type Files = Map<string, PayloadFile>;
const READABLE = 0o644;

interface Content {
  readonly files: Files;
  readonly refreshAtMs?: number;
}

/** `2026_11_23_08_15_00.123456789`: the time, and chance where two fall together. */
function stamp({ clock, random }: VolumeContext): string {
  const [date, time] = new Date(clock.now()).toISOString().split('T') as [string, string];
  return `${date.replaceAll('-', '_')}_${time.slice(0, 8).replaceAll(':', '_')}.${String(Math.floor(random.next() * 1e9)).padStart(9, '0')}`;
}

function payloadVolume(name: string, matches: (volume: Volume) => boolean, content: (context: VolumeContext) => Promise<Content>): VolumeType {
  return {
    name, matches,
    async setUp(context): Promise<MountedVolume> {
      const { files, refreshAtMs } = await content(context);
      const { fsGroup } = context.pod.spec.securityContext ?? {};
      if (context.ground.containersReadFiles === false) return { path: context.directory };
      await writeAtomically(context.directory, files, stamp(context), fsGroup === undefined ? undefined : (path) => giveToGroup(path, fsGroup, true));
      return { path: context.directory, ...(refreshAtMs !== undefined && { refreshAtMs }) };
    },
  };
}

async function configMap({ objects, pod }: VolumeContext, name: string, optional: boolean | undefined): ReturnType<VolumeContext['objects']['configMap']> {
  const found = await objects.configMap(pod.metadata.namespace, name);
  if (!found && !optional) throw new Error(`configmap "${name}" not found`);
  return found;
}

async function secret({ objects, pod }: VolumeContext, name: string, optional: boolean | undefined): ReturnType<VolumeContext['objects']['secret']> {
  const found = await objects.secret(pod.metadata.namespace, name);
  if (!found && !optional) throw new Error(`secret "${name}" not found`);
  return found;
}

export const configMapVolume = payloadVolume('configmap', (v) => v.configMap !== undefined, async (context) => {
  const { name = '', items, optional, defaultMode = READABLE } = context.volume.configMap!;
  return { files: new Map(configMapPayload(await configMap(context, name, optional), { items, optional, defaultMode })) };
});

export const secretVolume = payloadVolume('secret', (v) => v.secret !== undefined, async (context) => {
  const { secretName = '', items, optional, defaultMode = READABLE } = context.volume.secret!;
  return { files: new Map(secretPayload(await secret(context, secretName, optional), { items, optional, defaultMode })) };
});

export const downwardApiVolume = payloadVolume('downward-api', (v) => v.downwardAPI !== undefined, async (context) => {
  const { items = [], defaultMode = READABLE } = context.volume.downwardAPI!;
  return { files: new Map(downwardPayload(items, context.fields, defaultMode)) };
});

export const projectedVolume = payloadVolume('projected', (v) => v.projected !== undefined, async (context) => {
  const { sources = [], defaultMode = READABLE } = context.volume.projected!;
  const files: Files = new Map();
  let refreshAtMs: number | undefined;
  for (const source of sources) {
    const entries = source.configMap ? configMapPayload(await configMap(context, source.configMap.name ?? '', source.configMap.optional), { ...source.configMap, defaultMode })
      : source.secret ? secretPayload(await secret(context, source.secret.name ?? '', source.secret.optional), { ...source.secret, defaultMode })
        : source.downwardAPI ? downwardPayload(source.downwardAPI.items ?? [], context.fields, defaultMode) : [];
    for (const [path, file] of entries) files.set(path, file);
    if (source.clusterTrustBundle) throw new Error('ClusterTrustBundle projection is not supported: the API server does not serve ClusterTrustBundles');
    if (source.podCertificate) throw new Error('PodCertificate projection is not supported: the API server does not serve PodCertificateRequests');
    if (source.serviceAccountToken && context.ground.containersReadFiles !== false) {
      const { path, audience, expirationSeconds = 3600 } = source.serviceAccountToken;
      const issued = await context.tokens.token(context.pod, audience, expirationSeconds);
      files.set(path, { data: Buffer.from(issued.token), ...tokenMode(context.pod.spec, defaultMode) });
      refreshAtMs = Math.min(refreshAtMs ?? Infinity, issued.refreshAtMs);
    }
  }
  return { files, ...(refreshAtMs !== undefined && { refreshAtMs }) };
});

/** The token is its user's alone where all containers run as the same user; a group that is given the volume gets to read it afterwards. Upstream: projected.collectData, volume/util.FsUserFrom. */
export function tokenMode({ securityContext, containers, initContainers = [], ephemeralContainers = [] }: PodSpec, defaultMode: number): { readonly mode: number; readonly uid?: number } {
  const users = new Set([...containers, ...initContainers, ...ephemeralContainers].map((c) => c.securityContext?.runAsUser ?? securityContext?.runAsUser));
  const [user] = users;
  const uid = users.size === 1 ? user : undefined;
  if (uid === undefined && securityContext?.fsGroup === undefined) return { mode: defaultMode };
  return { mode: 0o600, ...(uid !== undefined && { uid }) };
}
