import { KubectlError } from '../command/kubectl-error.ts';

export interface RemoteFile {
  readonly namespace?: string;
  readonly pod: string;
  readonly path: string;
}

/** `[[namespace/]pod:]path` of `kubectl cp`: a text is a local path. Throws KubectlError. Upstream: kubectl pkg/cmd/cp. */
export function parseFileSpec(text: string): RemoteFile | string {
  const colon = text.indexOf(':');
  if (colon === 0) throw new KubectlError('filespec must match the canonical format: [[namespace/]pod:]file/path');
  if (colon < 0) return text;
  const [head, path] = [text.slice(0, colon), text.slice(colon + 1)];
  const parts = head.split('/');
  // A colon further on belongs to a local path: `./a:b`.
  if (parts.length > 2 || head.startsWith('.') || head.startsWith('/')) {
    if (head.startsWith('.') || head.startsWith('/')) return text;
    throw new KubectlError('filespec must match the canonical format: [[namespace/]pod:]file/path');
  }
  if (path === '') throw new KubectlError('filepath can not be empty');
  return parts.length === 2 ? { namespace: parts[0]!, pod: parts[1]!, path } : { pod: parts[0]!, path };
}
