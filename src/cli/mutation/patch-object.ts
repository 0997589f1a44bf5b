import { applyPatch, type Operation } from 'rfc6902';
import type { KubeObject } from '../../api/object.ts';
import { kindType } from '../../api/schema/schema.ts';
import type { Flags, FlagSpecs } from '../command/flags.ts';
import { dryRunOf, writeQuery } from './mutation.ts';
import { applyMergePatch } from '../patches/merge-patch.ts';
import { applyStrategic } from '../patches/strategic-patch.ts';
import type { NamedTarget } from '../targets/selected-targets.ts';
import { targetPath, type Target } from '../targets/targets.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

export const localFlag = { local: { type: 'bool', usage: 'Change the objects of the files and print them; do not talk to the server.' } } as const satisfies FlagSpecs;

export function isLocal(flags: Flags): boolean {
  return flags.has('local') && flags.bool('local');
}

/** The object as the server has it; with `--local` as the file has it. */
export async function currentObject<T extends KubeObject = KubeObject>(call: Call, target: Target, subresource?: string): Promise<T> {
  if (isLocal(call.flags) && target.object) return target.object as unknown as T;
  return call.session.verbatim<T>(targetPath(target, subresource));
}

/** All of them, before anything is judged or changed: what is not there is told first. */
export async function currentObjects<T extends KubeObject = KubeObject>(call: Call, targets: readonly NamedTarget[]): Promise<readonly (readonly [NamedTarget, T])[]> {
  const found: (readonly [NamedTarget, T])[] = [];
  for (const target of targets) found.push([target, await currentObject<T>(call, target)]);
  return found;
}

export type PatchKind = 'json' | 'merge' | 'strategic';
const CONTENT_TYPES: Readonly<Record<PatchKind, string>> = { json: 'application/json-patch+json', merge: 'application/merge-patch+json', strategic: 'application/strategic-merge-patch+json' };

export interface ObjectPatch {
  readonly kind: PatchKind;
  readonly body: unknown;
  /** Whose name the write bears, where the flags name nobody. */
  readonly manager: string;
  readonly subresource?: string | undefined;
}

/** Patches the object on the server; with `--local` or `--dry-run=client` applies the patch to `live` here. Throws KubectlError where it does not fit. */
export async function patchObject(call: Call, target: Target, live: KubeObject, { kind, body, manager, subresource }: ObjectPatch): Promise<KubeObject> {
  if (!isLocal(call.flags) && dryRunOf(call.flags) !== 'client') {
    return call.session.call<KubeObject>('PATCH', targetPath(target, subresource), { body, contentType: CONTENT_TYPES[kind], query: writeQuery(call, manager) });
  }
  const { group, version, kind: objectKind } = target.resource;
  if (kind === 'merge') return applyMergePatch(live, body) as KubeObject;
  if (kind === 'strategic') return applyStrategic(live, body, kindType(group, version, objectKind), { lists: 'server' }) as KubeObject;
  const copy = structuredClone(live);
  const [fault] = applyPatch(copy, structuredClone(body) as Operation[]).filter((error) => error !== null);
  if (fault) throw new KubectlError(`the patch does not fit the object: ${fault.message}`);
  return copy;
}
