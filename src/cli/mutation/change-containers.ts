import { StatusError } from '../../api/errors.ts';
import type { Container } from '../../api/generated/core-v1.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { dryRunOf, printResult, writeFlags } from './mutation.ts';
import { currentObject, isLocal, localFlag, patchObject } from './patch-object.ts';
import { aroundPodSpec, podSpecOf } from './pod-spec-of.ts';
import type { NamedTarget } from '../targets/selected-targets.ts';
import { sourcesGiven, targetFlags } from '../targets/targets.ts';
import { mergePatchBetween } from '../patches/three-way-merge.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** Flags of the verbs of `kubectl set`. */
export const setFlags = {
  ...writeFlags('kubectl-set'), ...targetFlags, ...localFlag,
  all: { type: 'bool', usage: 'Select all resources, in the namespace of the specified resource types' },
} as const satisfies FlagSpecs;

export const containersFlag = { containers: { short: 'c', type: 'string', default: '*', usage: 'Which containers to change; a * stands for any text. All without it.' } } as const satisfies FlagSpecs;

/** Refuses flags that contradict each other. */
export function checkSetFlags({ flags }: Call): void {
  if (isLocal(flags) && dryRunOf(flags) === 'server') throw new KubectlError('cannot specify --local and --dry-run=server - did you mean --dry-run=client?');
  if (isLocal(flags) && !sourcesGiven(flags)) throw new KubectlError("you must specify resources by --filename when --local is set.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'");
  if (flags.bool('all') && flags.has('selector') && flags.string('selector')) throw new KubectlError('cannot set --all and --selector at the same time');
}

/** Whether `--containers` means the container. */
export function isChosen(container: Container, pattern: string): boolean {
  return new RegExp(`^${pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`).test(container.name);
}

/** Patches containers of each target as `change` says, and prints `done` for those that change; what the server refuses is told behind `fault`. */
export async function changeContainers(call: Call, targets: readonly NamedTarget[], done: string, fault: string, change: (container: Container) => Partial<Container> | undefined): Promise<void> {
  for (const target of targets) {
    const live = await currentObject(call, target);
    const spec = podSpecOf(live, target.resource.resource);
    const lists = (['initContainers', 'containers'] as const).map((list) => [list, (spec[list] ?? []).flatMap((container) => {
      const patch = change(container);
      return patch ? [{ name: container.name, ...patch }] : [];
    })] as const).filter(([, patches]) => patches.length > 0);
    if (lists.length === 0) continue;
    const next = await patchObject(call, target, live, { kind: 'strategic', body: aroundPodSpec(target.resource.kind, Object.fromEntries(lists)), manager: 'kubectl-set' }).catch((error: unknown) => {
      if (!(error instanceof StatusError)) throw error;
      throw new KubectlError(`${fault} ${error.message}`);
    });
    if (mergePatchBetween(live, next) !== undefined) printResult(call, target.resource, next, done);
  }
}
