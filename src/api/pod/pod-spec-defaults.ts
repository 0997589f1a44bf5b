/** Upstream: pkg/apis/core/v1/defaults.go, conversion.go and zz_generated.defaults.go, of pods and pod templates. */
import type { Container, ContainerPort, EphemeralContainer, EnvVar, HTTPGetAction, Lifecycle, LifecycleHandler, PodSpec, PodTemplateSpec, Probe, Volume, VolumeProjection } from '../generated/core-v1.ts';
import { fill, mapItems, mapMember } from '../kinds/fill.ts';
import { isLatestImage } from './image-name.ts';

/** The defaults that a pod and a pod template share. */
export function defaultPodSpec(spec: PodSpec): PodSpec {
  let next = fill(spec, { dnsPolicy: 'ClusterFirst', restartPolicy: 'Always', securityContext: {}, terminationGracePeriodSeconds: 30, schedulerName: 'default-scheduler' });
  next = mapMember(next, 'containers', (containers) => mapItems(containers, defaultContainer));
  next = mapMember(next, 'initContainers', (containers) => mapItems(containers, defaultContainer));
  next = mapMember(next, 'ephemeralContainers', (containers) => mapItems(containers, (container) => defaultContainer<EphemeralContainer>(container)));
  next = mapMember(next, 'volumes', (volumes) => mapItems(volumes, defaultVolume));
  return sameAccount(next);
}

export function defaultPodTemplate(template: PodTemplateSpec): PodTemplateSpec {
  return mapMember(template, 'spec', defaultPodSpec);
}

/** `serviceAccount` is the old name of `serviceAccountName`; both always say the same. */
function sameAccount(spec: PodSpec): PodSpec {
  const name = spec.serviceAccountName || spec.serviceAccount;
  return name && (spec.serviceAccountName !== name || spec.serviceAccount !== name) ? { ...spec, serviceAccountName: name, serviceAccount: name } : spec;
}

function defaultContainer<C extends Container | EphemeralContainer>(container: C): C {
  let next: Container = fill<Container>(container, {
    terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', resources: {},
    imagePullPolicy: isLatestImage(container.image ?? '') ? 'Always' : 'IfNotPresent',
  });
  next = mapMember(next, 'ports', (ports) => mapItems(ports, (port) => fill<ContainerPort>(port, { protocol: 'TCP' })));
  next = mapMember(next, 'livenessProbe', defaultProbe);
  next = mapMember(next, 'readinessProbe', defaultProbe);
  next = mapMember(next, 'startupProbe', defaultProbe);
  next = mapMember(next, 'lifecycle', defaultLifecycle);
  next = mapMember(next, 'env', (env) => mapItems(env, defaultEnv));
  return next as C;
}

function defaultEnv(variable: EnvVar): EnvVar {
  return mapMember(variable, 'valueFrom', (source) => {
    const next = mapMember(source, 'fieldRef', (ref) => fill(ref, { apiVersion: 'v1' }));
    return mapMember(next, 'resourceFieldRef', (ref) => fill(ref, { divisor: '0' }));
  });
}

function defaultProbe(probe: Probe): Probe {
  const next = fill<Probe>(probe, {
    timeoutSeconds: probe.timeoutSeconds || 1, periodSeconds: probe.periodSeconds || 10, successThreshold: probe.successThreshold || 1, failureThreshold: probe.failureThreshold || 3,
  });
  return mapMember(mapMember(next, 'httpGet', defaultHttpGet), 'grpc', (grpc) => (grpc.service === undefined ? { ...grpc, service: '' } : grpc));
}

const defaultHttpGet = (action: HTTPGetAction): HTTPGetAction => fill(action, { path: '/', scheme: 'HTTP' });

function defaultLifecycle(lifecycle: Lifecycle): Lifecycle {
  const handler = (value: LifecycleHandler): LifecycleHandler => mapMember(value, 'httpGet', defaultHttpGet);
  return mapMember(mapMember(lifecycle, 'postStart', handler), 'preStop', handler);
}

/** Modes of files, as numbers: 0644. */
const readableMode = 0o644;

/** What each source of a volume lacks. */
const sourceDefaults: { readonly [S in keyof Volume]?: (source: NonNullable<Volume[S]>) => Volume[S] } = {
  secret: (source) => fill(source, { defaultMode: readableMode }),
  configMap: (source) => fill(source, { defaultMode: readableMode }),
  downwardAPI: (source) => mapMember(fill(source, { defaultMode: readableMode }), 'items', (items) => mapItems(items, (item) => mapMember(item, 'fieldRef', (ref) => fill(ref, { apiVersion: 'v1' })))),
  projected: (source) => mapMember(fill(source, { defaultMode: readableMode }), 'sources', (sources) => mapItems(sources, defaultProjection)),
  hostPath: (source) => (source.type === undefined ? { ...source, type: '' } : source),
  image: (source) => fill(source, { pullPolicy: isLatestImage(source.reference ?? '') ? 'Always' : 'IfNotPresent' }),
  ephemeral: (source) => mapMember(source, 'volumeClaimTemplate', (claim) => mapMember(claim, 'spec', (spec) => fill(spec, { volumeMode: 'Filesystem' }))),
  iscsi: (source) => fill(source, { iscsiInterface: 'default' }),
  azureDisk: (source) => fill(source, { cachingMode: 'ReadWrite', kind: 'Shared', fsType: 'ext4', readOnly: false }),
  rbd: (source) => fill(source, { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' }),
  scaleIO: (source) => fill(source, { storageMode: 'ThinProvisioned', fsType: 'xfs' }),
};

function defaultVolume(volume: Volume): Volume {
  let next = volume;
  let sources = 0;
  for (const name in volume) {
    if (name === 'name') continue;
    sources++;
    const defaults = sourceDefaults[name as keyof Volume] as ((source: object) => object) | undefined;
    if (defaults) next = mapMember(next, name as 'secret', defaults as (source: NonNullable<Volume['secret']>) => Volume['secret']);
  }
  // A volume without a source is an empty directory.
  return sources === 0 ? { ...volume, emptyDir: {} } : next;
}

function defaultProjection(projection: VolumeProjection): VolumeProjection {
  const next = mapMember(projection, 'serviceAccountToken', (token) => fill(token, { expirationSeconds: 3600 }));
  return mapMember(next, 'downwardAPI', (source) =>
    mapMember(source, 'items', (items) => mapItems(items, (item) => mapMember(item, 'fieldRef', (ref) => fill(ref, { apiVersion: 'v1' })))));
}
