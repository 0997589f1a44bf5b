import type { ReferenceGrant } from './gateway-api.ts';

export interface Reference {
  readonly from: { readonly group: string; readonly kind: string; readonly namespace: string };
  readonly to: { readonly group: string; readonly kind: string; readonly namespace: string; readonly name: string };
}

/** Whether this may name that: within one namespace always, otherwise where the namespace of what is named grants it. */
export function isPermitted({ from, to }: Reference, grants: readonly ReferenceGrant[]): boolean {
  return from.namespace === to.namespace || grants.some(({ metadata, spec }) => metadata.namespace === to.namespace
    && spec.from.some((one) => one.group === from.group && one.kind === from.kind && one.namespace === from.namespace)
    && spec.to.some((one) => one.group === to.group && one.kind === to.kind && (!one.name || one.name === to.name)));
}
