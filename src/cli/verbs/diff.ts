import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isReason } from '../../api/errors.ts';
import { apiVersionOf, type KubeObject } from '../../api/object.ts';
import { kindType } from '../../api/schema/schema.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { LAST_APPLIED, lastApplied } from '../apply/last-applied.ts';
import { withoutManagedFields } from '../printers/object-printer.ts';
import { toYaml } from '../printers/yaml.ts';
import { prunable } from '../apply/prune.ts';
import { pathOf } from '../command/resource-mapper.ts';
import { manifestTargets, sourcesGiven, targetFlags, targetPath, type Target } from '../targets/targets.ts';
import { mergePatchBetween, threeWayMerge } from '../patches/three-way-merge.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  ...targetFlags,
  'field-manager': { type: 'string', default: 'kubectl-client-side-apply', usage: 'Name of the manager used to track field ownership.' },
  'force-conflicts': { type: 'bool', usage: 'If true, server-side apply will force the changes against conflicts.' },
  'server-side': { type: 'bool', usage: 'If true, apply runs in the server instead of the client.' },
  'show-managed-fields': { type: 'bool', usage: 'If true, include managed fields in the diff.' },
  'show-secrets': { type: 'bool', usage: 'If true, do not mask secret values in the diff.' },
  prune: { type: 'bool', usage: 'Show also what a pruning apply would delete.' },
  'prune-allowlist': { type: 'array', usage: 'Kinds that are pruned, group/version/kind, in the place of the usual ones.' },
  concurrency: { type: 'int', default: 1, usage: 'Number of objects to process in parallel when diffing against the live version.' },
} as const satisfies FlagSpecs;

/** Exit code 1: there are differences; above 1: something failed. Upstream: kubectl pkg/cmd/diff. */
export const verb: Verb = {
  usage: '-f FILENAME',
  summary: 'Diff the live version against a would-be applied version',
  flags,
  async run(call) {
    const { flags: given } = call;
    if (call.args.length > 0) throw new KubectlError(`Unexpected args: [${call.args.join(' ')}]\nSee 'kubectl diff -h' for help and examples`, { code: 2 });
    if (given.bool('force-conflicts') && !given.bool('server-side')) throw new KubectlError('--force-conflicts only works with --server-side', { code: 2 });
    if (!sourcesGiven(given)) throw new KubectlError('must specify one of -f and -k', { code: 2 });
    const targets = await manifestTargets(call);
    const folders = { live: mkdtempSync(join(tmpdir(), 'LIVE-')), merged: mkdtempSync(join(tmpdir(), 'MERGED-')) };
    try {
      for (const target of targets) {
        const { live, merged } = await versionsOf(call, target);
        const { group, version, kind } = target.resource;
        const name = `${group ? `${group}.` : ''}${version}.${kind}.${target.namespace ?? ''}.${target.name ?? ''}`;
        const [from, to] = kind === 'Secret' && group === '' && !given.bool('show-secrets') ? masked(live, merged) : [live, merged];
        writeFileSync(join(folders.live, name), from ? toYaml(shown(call, from)) : '');
        writeFileSync(join(folders.merged, name), to ? toYaml(shown(call, to)) : '');
      }
      if (given.bool('prune')) {
        for (const { resource, namespace, object } of await prunable(call, targets)) {
          const { group, version, kind } = resource;
          writeFileSync(join(folders.live, `${group ? `${group}.` : ''}${version}.${kind}.${namespace ?? ''}.${object.metadata.name}`), toYaml(shown(call, { ...object, apiVersion: apiVersionOf(resource), kind })));
        }
      }
      return await compare(call, folders.live, folders.merged);
    } finally {
      for (const folder of Object.values(folders)) rmSync(folder, { recursive: true, force: true });
    }
  },
};

function shown({ flags: given }: Call, object: KubeObject): unknown {
  return given.bool('show-managed-fields') ? object : withoutManagedFields(object);
}

/** The object as it is, and as an apply would make it: the server says it in a dry run. */
async function versionsOf(call: Call, target: Target): Promise<{ readonly live?: KubeObject; readonly merged: KubeObject }> {
  const { session, flags: given } = call;
  const query = { dryRun: 'All', fieldManager: given.string('field-manager') };
  let live: KubeObject | undefined;
  try {
    live = await session.verbatim<KubeObject>(targetPath(target));
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
  if (given.bool('server-side')) {
    const merged = await session.call<KubeObject>('PATCH', targetPath(target), {
      body: toYaml(target.object), contentType: 'application/apply-patch+yaml', query: { ...query, fieldManager: given.changed('field-manager') ? given.string('field-manager') : 'kubectl', force: given.bool('force-conflicts') ? 'true' : undefined },
    });
    return { ...(live && { live }), merged };
  }
  const { resource, namespace } = target;
  const placed = resource.namespaced ? { ...target.object!, metadata: { ...target.object!.metadata, namespace } } : target.object!;
  if (!live) return { merged: await session.call<KubeObject>('POST', pathOf(resource, { namespace }), { body: placed, query }) };
  const patch = mergePatchBetween(live, threeWayMerge(lastApplied(live), keepingAnnotation(placed, live), live, kindType(resource.group, resource.version, resource.kind)));
  if (patch === undefined) return { live, merged: live };
  const merged = await session.call<KubeObject>('PATCH', targetPath(target), { body: patch, contentType: 'application/merge-patch+json', query });
  return { live, merged };
}

/** What an apply would write into its own annotation is no difference to show: the one that is there stays. */
function keepingAnnotation(placed: object, live: KubeObject): unknown {
  const { metadata } = placed as KubeObject;
  const text = live.metadata.annotations?.[LAST_APPLIED];
  return { ...placed, metadata: { ...metadata, annotations: { ...metadata.annotations, ...(text !== undefined && { [LAST_APPLIED]: text }) } } };
}

/** Values of secrets are not shown; which of them change is. */
function masked(live: KubeObject | undefined, merged: KubeObject): (KubeObject | undefined)[] {
  type Secret = KubeObject & { readonly data?: Readonly<Record<string, string>> };
  const [from, to] = [(live as Secret | undefined)?.data ?? {}, (merged as Secret).data ?? {}];
  const mask = (data: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>, note: string): Record<string, string> =>
    Object.fromEntries(Object.keys(data).map((key) => [key, Object.hasOwn(other, key) && other[key] !== data[key] ? `*** (${note})` : '***']));
  return [live && ({ ...live, data: mask(from, to, 'before') } as KubeObject), { ...merged, data: mask(to, from, 'after') } as KubeObject];
}

/** Runs KUBECTL_EXTERNAL_DIFF, else `diff -u -N`. */
async function compare({ io }: Call, from: string, to: string): Promise<number> {
  const [program = 'diff', ...words] = (io.env['KUBECTL_EXTERNAL_DIFF'] || 'diff -u -N').split(/\s+/).filter((word, i) => i === 0 || /^[a-zA-Z0-9-=]+$/.test(word));
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...words, from, to], { stdio: ['ignore', 'pipe', 'pipe'], env: io.env as NodeJS.ProcessEnv, signal: io.signal });
    child.stdout.setEncoding('utf8').on('data', (text: string) => io.out(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => io.err(text));
    child.on('error', (error) => reject(new KubectlError(`failed to run "${program}": ${error.message}`, { code: 2 })));
    child.on('close', (code) => resolve(code ?? 2));
  });
}
