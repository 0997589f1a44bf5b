import type { Flags, FlagSpecs } from '../command/flags.ts';
import { readManifests, type Manifest, type ManifestObject } from '../manifests/manifest.ts';
import { pathOf, type DiscoveredResource } from '../command/resource-mapper.ts';
import { parseApiVersion } from '../../api/resources.ts';
import { parseSelector } from '../../api/selector.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** `kubectl` with neither names nor files where it needs some. */
export const NO_RESOURCES = "You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'";

/** Flags by which verbs take manifests. */
export const fileFlags = {
  filename: { short: 'f', type: 'strings', usage: 'Filename, directory, or URL to files' },
  kustomize: { short: 'k', type: 'string', usage: 'A folder with a kustomization, which is built first. Not together with -f or -R.' },
  recursive: { short: 'R', type: 'bool', usage: 'Process the directory used in -f, --filename recursively' },
} as const satisfies FlagSpecs;

/** Flags by which verbs pick objects. */
export const targetFlags = {
  ...fileFlags,
  selector: { short: 'l', type: 'string', usage: 'Selector (label query) to filter on' },
} as const satisfies FlagSpecs;

/** What a call names: one object, or (without name) a collection to be listed. */
export interface Target {
  readonly resource: DiscoveredResource;
  readonly namespace: string | undefined;
  readonly name?: string;
  /** As the manifest has it, when it came from one. */
  readonly object?: ManifestObject;
  readonly source?: string;
}

export function targetPath(target: Target, subresource?: string): string {
  return pathOf(target.resource, { ...target, subresource });
}

/** Reads `TYPE NAME…`, `TYPE/NAME…`, `TYPE1,TYPE2`, `-f FILE`, with `-A`/`-n`. Upstream: cli-runtime resource.Builder. */
export async function resolveTargets(call: Call, options: { readonly args?: readonly string[]; readonly allNamespaces?: boolean; readonly noun?: string; /** Whether `--selector` picks among objects; else it is for what is made. */ readonly selects?: boolean } = {}): Promise<Target[]> {
  const { flags, session, io } = call;
  const args = options.args ?? call.args;
  if (sourcesGiven(flags)) {
    if (args.length > 0) throw new KubectlError('when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well');
    return manifestTargets(call, options);
  }
  const words = args.some((arg) => arg.includes('/')) ? args.map((arg) => arg.split('/')[0]!) : (args[0]?.split(',') ?? []);
  const mapper = await session.mapper((builtIn) => words.every((word) => builtIn.find(word)));
  for (const word of words) for (const other of mapper.alsoCalled(word)) io.err(`Warning: short name ${JSON.stringify(word)} could also match lower priority resource ${other}\n`);
  const namespace = options.allNamespaces ? undefined : await session.namespace();
  const selecting = options.args === undefined && options.selects !== false && selects(flags);
  const at = (resource: DiscoveredResource, name?: string): Target => {
    if (name !== undefined && resource.namespaced && options.allNamespaces) throw new KubectlError('a resource cannot be retrieved by name across all namespaces');
    return { resource, namespace: resource.namespaced ? namespace : undefined, ...(name !== undefined && { name }) };
  };
  if (args.length === 0) throw new KubectlError(NO_RESOURCES);
  if (args.some((arg) => arg.includes('/'))) {
    if (selecting) throw new KubectlError('selectors and the all flag cannot be used when passing resource/name arguments');
    return args.map((arg) => {
      const parts = arg.split('/');
      if (parts.length !== 2) {
        throw new KubectlError(parts.length > 2 && args.length === 1 ? 'arguments in resource/name form may not have more than one slash'
          : `there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'`);
      }
      if (parts[0] === '' || parts[1] === '') throw new KubectlError('arguments in resource/name form must have a single resource and name');
      return at(mapper.mustFind(parts[0]!), parts[1]);
    });
  }
  const types = args[0]!.split(',').flatMap((type) => {
    const category = mapper.find(type) ? [] : mapper.byCategory(type);
    return category.length > 0 ? category : [mapper.mustFind(type)];
  });
  const names = args.slice(1);
  if (names.length === 0) return types.map((type) => at(type));
  if (selecting) throw new KubectlError('name cannot be provided when a selector is specified');
  return types.flatMap((type) => names.map((name) => at(type, name)));
}

/** A resource that only the manifest tells of. */
function unknownResource({ apiVersion, kind }: ManifestObject): DiscoveredResource {
  const { group, version } = parseApiVersion(apiVersion);
  const singular = kind.toLowerCase();
  return { group, version, kind, singular, resource: `${singular}s`, namespaced: true, shortNames: [], categories: [], verbs: [] };
}

/** Whether objects are picked by what they are like, not by name. */
function selects(flags: Flags): boolean {
  return ['selector', 'field-selector'].some((name) => flags.declares(name, 'string') && flags.string(name) !== '') || (flags.declares('all', 'bool') && flags.bool('all'));
}

/** Whether `-f` or `-k` is given. */
export function sourcesGiven(flags: Flags): boolean {
  return (flags.has('filename') && flags.strings('filename').length > 0) || (flags.has('kustomize') && flags.string('kustomize') !== '');
}

async function manifestsOf({ flags, io, session }: Call): Promise<readonly Manifest[]> {
  const recursive = flags.has('recursive') && flags.bool('recursive');
  const folder = flags.has('kustomize') ? flags.string('kustomize') : '';
  if (!folder) {
    const { manifests, faults } = await readManifests(flags.strings('filename'), { recursive, validate: flags.has('validate'), io });
    if (manifests.length === 0 && faults.length > 0) throw faults[0]!;
    session.manifestFaults.push(...faults);
    return manifests;
  }
  if (flags.strings('filename').length > 0) throw new KubectlError('only one of -f or -k can be specified');
  if (recursive) throw new KubectlError("the -k flag can't be used with -f or -R");
  const { buildKustomization } = await import('../kustomize/build.ts');
  return buildKustomization(folder, io).map((object) => ({ source: folder, object }));
}

/** The objects of `-f` or `-k`, with the namespace each goes to: its own, or that of the call; a contradiction with `-n` is refused. */
export async function manifestTargets(call: Call, { selects: picks = true }: { readonly selects?: boolean } = {}): Promise<Target[]> {
  const { session, flags } = call;
  const manifests = await manifestsOf(call);
  // What stays here needs no server to say what it is.
  const local = flags.has('local') && flags.bool('local');
  const [mapper, namespace] = await Promise.all([session.mapper((builtIn) => local || manifests.every(({ object }) => builtIn.findKind(object.apiVersion, object.kind))), session.namespace()]);
  // Of what files hold, a selector picks by labels.
  const selector = picks && flags.declares('selector', 'string') && flags.string('selector') ? parseSelector(flags.string('selector')) : undefined;
  return manifests.filter(({ object }) => !selector || selector.matches(object.metadata?.labels)).map(({ source, object }) => {
    let resource;
    try {
      resource = (local ? mapper.findKind(object.apiVersion, object.kind) ?? unknownResource(object) : undefined) ?? mapper.byKind(object.apiVersion, object.kind);
    } catch (error) {
      if (!(error instanceof KubectlError)) throw error;
      throw new KubectlError(`resource mapping not found for name: "${object.metadata?.name ?? ''}" namespace: "${object.metadata?.namespace ?? ''}" from "${source}": ${error.message}`);
    }
    const own = object.metadata?.namespace;
    if (resource.namespaced && own && session.namespaceGiven && own !== namespace) {
      throw new KubectlError(`the namespace from the provided object "${own}" does not match the namespace "${namespace}". You must pass '--namespace=${own}' to perform this operation.`);
    }
    return { resource, namespace: resource.namespaced ? (own ?? namespace) : undefined, ...(object.metadata?.name && { name: object.metadata.name }), object, source };
  });
}
