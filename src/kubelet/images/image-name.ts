const DOMAIN = /^(?:localhost|[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*)(?::\d+)?$/;
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

/**
 * `nginx` → `docker.io/library/nginx:latest`; throws with upstream's words where the name is malformed.
 * Upstream: distribution/reference, kubelet applyDefaultImageTag.
 */
export function normalizeImageName(name: string): string {
  const fail = (cause: string): never => {
    throw new Error(`couldn't parse image name "${name}": ${cause}`);
  };
  const [beforeDigest = '', digest] = name.split('@');
  const slash = beforeDigest.indexOf('/');
  const first = slash < 0 ? '' : beforeDigest.slice(0, slash);
  const hasDomain = slash >= 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const domain = hasDomain ? first : 'docker.io';
  const rest = hasDomain ? beforeDigest.slice(slash + 1) : slash < 0 ? `library/${beforeDigest}` : beforeDigest;
  const colon = rest.lastIndexOf(':');
  const [path, tag] = colon > rest.lastIndexOf('/') ? [rest.slice(0, colon), rest.slice(colon + 1)] : [rest, undefined];
  if (digest !== undefined && !DIGEST.test(digest)) fail('invalid reference format');
  if (tag !== undefined && !TAG.test(tag)) fail('invalid reference format');
  if (path !== path.toLowerCase()) fail('invalid reference format: repository name must be lowercase');
  if (!DOMAIN.test(domain) || !path.split('/').every((part) => PATH.test(part))) fail('invalid reference format');
  const suffix = `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
  return `${domain === 'index.docker.io' ? 'docker.io' : domain}/${path}${suffix || ':latest'}`;
}
