import type { Container, Pod, ServiceAccount, Volume } from '../../api/generated/core-v1.ts';
import { serviceAccounts } from '../../api/generated/resources.ts';
import { nameSuffix } from '../../base/random.ts';
import { podReferences } from '../authz/pod-references.ts';
import { concerns, refused } from './admission-fault.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

const VOLUME_PREFIX = 'kube-api-access-';
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const MIRROR = 'kubernetes.io/config.mirror';
const TOKEN_SECONDS = 3607;
/** A namespace's default account is made soon after the namespace; so long a pod waits for it. */
const WAIT = 1500;

/** Gives each pod a service account, and its containers the account's token and the cluster's CA. Upstream: plugin/pkg/admission/serviceaccount. */
export function serviceAccount(services: AdmissionServices): AdmissionPlugin {
  const find = async (attributes: AdmissionAttributes, name: string): Promise<ServiceAccount> => {
    const { namespace } = attributes;
    const found = services.objects.get(serviceAccounts, { namespace, name }) ?? (name === 'default' ? await appears(services, namespace, name) : undefined);
    if (!found) throw refused(attributes, `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`);
    return found;
  };
  return {
    name: 'ServiceAccount',
    handles: (operation) => operation === 'CREATE',
    async admit(attributes) {
      if (!concerns(attributes, '', 'pods')) return undefined;
      const pod = attributes.object as Pod;
      if (isMirror(pod)) return undefined;
      const name = pod.spec.serviceAccountName || 'default';
      const account = await find(attributes, name);
      const named = pod.spec.serviceAccountName === name && pod.spec.serviceAccount === name ? pod : { ...pod, spec: { ...pod.spec, serviceAccountName: name, serviceAccount: name } };
      return withPullSecrets(automounts(account, named) ? withToken(named, () => nameSuffix(services.random)) : named, account);
    },
    validate(attributes) {
      if (!concerns(attributes, '', 'pods')) return;
      const pod = attributes.object as Pod;
      if (isMirror(pod)) checkMirror(attributes, pod);
      else if (!pod.spec.serviceAccountName) throw refused(attributes, `no service account specified for pod ${attributes.namespace}/${pod.metadata.name}`);
      else checkSecrets(attributes, pod, services.objects.get(serviceAccounts, { namespace: attributes.namespace, name: pod.spec.serviceAccountName }));
    },
  };
}

const isMirror = (pod: Pod): boolean => pod.metadata.annotations?.[MIRROR] !== undefined;

function appears({ objects, clock }: AdmissionServices, namespace: string, name: string): Promise<ServiceAccount | undefined> {
  return new Promise((resolve) => {
    const stack = new DisposableStack();
    const settle = (account: ServiceAccount | undefined): void => {
      stack.dispose();
      resolve(account);
    };
    stack.use(clock.timer(WAIT, () => settle(undefined)));
    const put = (account: ServiceAccount): void => {
      // Not while it replays what is there, before the subscription itself can be disposed.
      if (account.metadata.namespace === namespace && account.metadata.name === name) queueMicrotask(() => settle(account));
    };
    stack.use(objects.follow(serviceAccounts, { put, delete: () => {} }));
  });
}

function automounts(account: ServiceAccount, pod: Pod): boolean {
  return pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
}

function withPullSecrets(pod: Pod, account: ServiceAccount): Pod {
  if (pod.spec.imagePullSecrets?.length || !account.imagePullSecrets?.length) return pod;
  return { ...pod, spec: { ...pod.spec, imagePullSecrets: account.imagePullSecrets } };
}

/** The pod with the token mounted into each container that mounts nothing else in its place. */
export function withToken(pod: Pod, suffix: () => string): Pod {
  const { spec } = pod;
  const present = spec.volumes?.find((volume) => volume.name.startsWith(VOLUME_PREFIX))?.name;
  const name = present ?? VOLUME_PREFIX + suffix();
  let used = false;
  const mounted = <T extends Container>(container: T): T => {
    if (container.volumeMounts?.some((mount) => mount.mountPath === MOUNT_PATH)) return container;
    used = true;
    return { ...container, volumeMounts: (container.volumeMounts ?? []).concat({ name, readOnly: true, mountPath: MOUNT_PATH }) };
  };
  const containers = spec.containers.map(mounted);
  const initContainers = spec.initContainers?.map(mounted);
  if (!used) return pod;
  return {
    ...pod,
    spec: { ...spec, containers, ...(initContainers && { initContainers }), ...(!present && { volumes: (spec.volumes ?? []).concat(tokenVolume(name)) }) },
  };
}

/** The same for all pods. */
const tokenFiles: NonNullable<Volume['projected']> = Object.freeze({
  defaultMode: 0o644,
  sources: [
    { serviceAccountToken: { path: 'token', expirationSeconds: TOKEN_SECONDS } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
  ],
});

const tokenVolume = (name: string): Volume => ({ name, projected: tokenFiles });

function checkMirror(attributes: AdmissionAttributes, pod: Pod): void {
  if (pod.spec.serviceAccountName) throw refused(attributes, 'a mirror pod may not reference service accounts');
  if (podReferences(pod).secrets.size) throw refused(attributes, 'a mirror pod may not reference secrets');
  if (pod.spec.volumes?.some((volume) => volume.projected?.sources?.some((source) => source.serviceAccountToken))) {
    throw refused(attributes, 'a mirror pod may not use ServiceAccountToken volume projections');
  }
}

/** Where the account says so, pods may use only the secrets that it lists. */
function checkSecrets(attributes: AdmissionAttributes, pod: Pod, account: ServiceAccount | undefined): void {
  if (account?.metadata.annotations?.['kubernetes.io/enforce-mountable-secrets'] !== 'true') return;
  const { name } = account.metadata;
  const mountable = new Set(account.secrets?.map((secret) => secret.name));
  for (const { secret } of pod.spec.volumes ?? []) {
    if (secret && !mountable.has(secret.secretName)) {
      throw refused(attributes, `volume with secret.secretName="${secret.secretName}" is not allowed because service account ${name} does not reference that secret`);
    }
  }
  const lists: readonly (readonly [string, readonly Container[]])[] = [['init container', pod.spec.initContainers ?? []], ['container', pod.spec.containers]];
  for (const [word, containers] of lists) {
    for (const container of containers) {
      for (const variable of container.env ?? []) {
        const secret = variable.valueFrom?.secretKeyRef?.name;
        if (secret && !mountable.has(secret)) {
          throw refused(attributes, `${word} ${container.name} with envVar ${variable.name} referencing secret.secretName="${secret}" is not allowed because service account ${name} does not reference that secret`);
        }
      }
      for (const { secretRef } of container.envFrom ?? []) {
        if (secretRef && !mountable.has(secretRef.name)) {
          throw refused(attributes, `${word} ${container.name} with envFrom referencing secret.secretName="${secretRef.name}" is not allowed because service account ${name} does not reference that secret`);
        }
      }
    }
  }
  const pull = new Set(account.imagePullSecrets?.map((secret) => secret.name));
  pod.spec.imagePullSecrets?.forEach((secret, i) => {
    if (!pull.has(secret.name)) throw refused(attributes, `imagePullSecrets[${i}].name="${secret.name}" is not allowed because service account ${name} does not reference that imagePullSecret`);
  });
}
