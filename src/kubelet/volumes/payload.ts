import type { ConfigMap, DownwardAPIVolumeFile, KeyToPath, Secret } from '../../api/generated/core-v1.ts';
import { fieldValue, resourceValue, type FieldContext } from '../container/field-ref.ts';
import type { PayloadFile } from './atomic-writer.ts';

type Entries = [path: string, file: PayloadFile][];

export interface Projection {
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
  readonly defaultMode: number;
}

/** Files of a keyed object: every key, or those that `items` names. Upstream: pkg/volume/configmap MakePayload, secret MakePayload. */
function keyedPayload(what: string, data: ReadonlyMap<string, Buffer>, projection: Projection): Entries {
  const { items, optional, defaultMode } = projection;
  if (!items?.length) return [...data].map(([key, bytes]) => [key, { data: bytes, mode: defaultMode }]);
  return items.flatMap(({ key, path, mode }): Entries => {
    const bytes = data.get(key);
    if (bytes !== undefined) return [[path, { data: bytes, mode: mode ?? defaultMode }]];
    if (optional) return [];
    throw new Error(`${what} references non-existent ${what === 'configmap' ? 'config' : 'secret'} key: ${key}`);
  });
}

export function configMapPayload(object: ConfigMap | undefined, projection: Projection): Entries {
  const data = new Map<string, Buffer>();
  for (const [key, text] of Object.entries(object?.data ?? {})) data.set(key, Buffer.from(text));
  for (const [key, base64] of Object.entries(object?.binaryData ?? {})) data.set(key, Buffer.from(base64, 'base64'));
  return keyedPayload('configmap', data, projection);
}

export function secretPayload(object: Secret | undefined, projection: Projection): Entries {
  return keyedPayload('secret', new Map(Object.entries(object?.data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, 'base64')])), projection);
}

export function downwardPayload(items: readonly DownwardAPIVolumeFile[], context: FieldContext, defaultMode: number): Entries {
  return items.map(({ path, fieldRef, resourceFieldRef, mode }) => {
    const text = fieldRef ? fieldValue(fieldRef.fieldPath, context) : resourceFieldRef ? resourceValue(resourceFieldRef, context.pod.spec.containers[0]!, context) : '';
    if (text === undefined) throw new Error(`unsupported fieldPath: ${fieldRef?.fieldPath}`);
    return [path, { data: Buffer.from(text), mode: mode ?? defaultMode }];
  });
}
