import { sortKeys } from '../printers/sort-keys.ts';

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

interface Annotated {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> | undefined; readonly name?: string | undefined };
}

/** The object with itself, as it was before, in the annotation from which later applies tell what was removed. */
export function withLastApplied<T extends Annotated>(object: T): T {
  const { [LAST_APPLIED]: _old, ...annotations } = object.metadata?.annotations ?? {};
  const plain = { ...object, metadata: { ...object.metadata, annotations } };
  const text = `${JSON.stringify(sortKeys(plain))}\n`;
  return { ...plain, metadata: { ...plain.metadata, annotations: { ...annotations, [LAST_APPLIED]: text } } };
}

export function lastApplied(object: Annotated): unknown {
  const text = object.metadata?.annotations?.[LAST_APPLIED];
  return text === undefined ? undefined : JSON.parse(text);
}
