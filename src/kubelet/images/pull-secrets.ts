import type { Pod, Secret } from '../../api/generated/core-v1.ts';
import type { AuthConfig } from '../../cri/runtime.ts';
import type { ReferencedObjects } from '../referenced-objects.ts';

interface Credential {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** The registries and credentials of a `kubernetes.io/dockerconfigjson` or `kubernetes.io/dockercfg` secret. */
export function secretCredentials(secret: Secret): Readonly<Record<string, Credential>> {
  const read = (key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
  try {
    if (secret.data?.['.dockerconfigjson']) return (JSON.parse(read('.dockerconfigjson')) as { auths?: Record<string, Credential> }).auths ?? {};
    if (secret.data?.['.dockercfg']) return JSON.parse(read('.dockercfg')) as Record<string, Credential>;
  } catch (error) {
    // A secret that cannot be read counts as none, as upstream does: the pull may succeed without.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
  return {};
}

/** `https://index.docker.io/v1/` and `docker.io` are the same registry. */
function registryOf(key: string): string {
  const host = key.replace(/^https?:\/\//, '').replace(/\/(v1|v2)\/?$/, '').replace(/\/$/, '');
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

/** Whether the entry `key` is for `image` (normalized, `host/path:tag`): its host, by pattern, and the beginning of its path. */
export function matchesImage(key: string, image: string): boolean {
  const [host = '', ...path] = registryOf(key).split('/');
  const [imageHost = '', ...imagePath] = image.split('/');
  const pattern = new RegExp(`^${host.split('*').map((part) => part.replace(/[.\\+?^${}()|[\]]/g, '\\$&')).join('[^.]*')}$`);
  return pattern.test(imageHost) && imagePath.join('/').startsWith(path.join('/'));
}

export function toAuth(credential: Credential): AuthConfig {
  const [user, ...password] = credential.auth ? Buffer.from(credential.auth, 'base64').toString().split(':') : [];
  return {
    username: credential.username ?? user ?? '', password: credential.password ?? password.join(':'),
    ...(credential.identitytoken && { identityToken: credential.identitytoken }), ...(credential.registrytoken && { registryToken: credential.registrytoken }),
  };
}

/** Credentials to try for an image, the most specific first. */
export async function pullCredentials(pod: Pod, image: string, objects: ReferencedObjects): Promise<readonly AuthConfig[]> {
  const found: { key: string; auth: AuthConfig }[] = [];
  for (const { name } of pod.spec.imagePullSecrets ?? []) {
    const secret = name ? await objects.secret(pod.metadata.namespace, name) : undefined;
    if (!secret) continue;
    for (const [key, credential] of Object.entries(secretCredentials(secret))) if (matchesImage(key, image)) found.push({ key, auth: toAuth(credential) });
  }
  return found.sort((a, b) => b.key.length - a.key.length).map(({ auth }) => auth);
}
