import { createHash } from 'node:crypto';
import { isReason } from '../../api/errors.ts';
import { apiVersionOf, type KubeObject, type ObjectList } from '../../api/object.ts';
import { dryRunOf, writeQuery } from '../mutation/mutation.ts';
import { deletePruned } from './prune.ts';
import { pathOf, type DiscoveredResource } from '../command/resource-mapper.ts';
import type { ManifestObject } from '../manifests/manifest.ts';
import type { Target } from '../targets/targets.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const PREFIX = 'applyset.kubernetes.io';
const PART_OF = `${PREFIX}/part-of`;
const TOOLING = `${PREFIX}/tooling`;
const KINDS = `${PREFIX}/contains-group-kinds`;
const NAMESPACES = `${PREFIX}/additional-namespaces`;
const MANAGER = 'kubectl-applyset';

/**
 * `apply --prune --applyset`: which objects belong together is kept with a parent object (a secret, a config map, or a custom resource that is meant for it) and by a label of the members,
 * so that pruning knows what earlier applies made. Alpha: asked for by KUBECTL_APPLYSET=true. Upstream: KEP-3659, kubectl pkg/cmd/apply/applyset.go.
 */
export class ApplySet {
  readonly #call: Call;
  readonly #parent: DiscoveredResource;
  readonly #name: string;
  readonly #namespace: string | undefined;
  /** What the parent said before, as `Kind.group` and names of namespaces. */
  #kinds = new Set<string>();
  #namespaces = new Set<string>();
  readonly #nextKinds = new Set<string>();
  readonly #nextNamespaces = new Set<string>();
  readonly #visited = new Set<string>();

  private constructor(call: Call, parent: DiscoveredResource, name: string) {
    this.#call = call;
    this.#parent = parent;
    this.#name = name;
    this.#namespace = parent.namespaced ? call.flags.string('namespace') || undefined : undefined;
  }

  /** Of the flag `--applyset`; undefined without it. Throws KubectlError where it cannot be meant. */
  static async of(call: Call): Promise<ApplySet | undefined> {
    const { flags, session, io } = call;
    const text = flags.string('applyset');
    if (!text || io.env['KUBECTL_APPLYSET'] !== 'true') return undefined;
    const slash = text.indexOf('/');
    const [type, name] = slash < 0 ? ['secrets', text] : [text.slice(0, slash), text.slice(slash + 1)];
    if (name === '') throw new KubectlError(`invalid parent reference "${text}": name cannot be blank`);
    const parent = (await session.discovered()).find(type);
    if (!parent) throw new KubectlError(`invalid parent reference "${text}": no matches for /, Resource=${type}`);
    const set = new ApplySet(call, parent, name);
    if (!flags.bool('prune')) throw new KubectlError('--applyset requires --prune');
    await set.#validate();
    if (flags.bool('force')) throw new KubectlError('--force cannot be used with --prune');
    for (const [flag, given] of [['all', flags.bool('all')], ['selector', flags.string('selector') !== ''], ['prune-allowlist', flags.strings('prune-allowlist').length > 0]] as const) if (given) throw new KubectlError(`--${flag} is incompatible with --applyset`);
    return set;
  }

  get id(): string {
    const { kind, group } = this.#parent;
    return `applyset-${createHash('sha256').update([this.#name, this.#namespace ?? '', kind, group].join('.')).digest('base64url')}-v1`;
  }

  /** The objects as members. */
  labelled(targets: readonly Target[]): readonly Target[] {
    return targets.map((target) => {
      const object = target.object!;
      if (object.metadata?.labels && Object.hasOwn(object.metadata.labels, PART_OF)) throw new KubectlError(`ApplySet label "${PART_OF}" already set in input data`);
      return { ...target, object: { ...object, metadata: { ...object.metadata, labels: { ...object.metadata?.labels, [PART_OF]: this.id } } } satisfies ManifestObject };
    });
  }

  /** Before anything is applied the parent names all that was and all that will be: whatever fails on the way is found again. */
  async begin(targets: readonly Target[]): Promise<void> {
    await this.#readParent();
    for (const { resource, namespace } of targets) {
      this.#nextKinds.add(kindKey(resource));
      if (resource.namespaced && namespace) this.#nextNamespaces.add(namespace);
    }
    await this.#writeParent(union(this.#kinds, this.#nextKinds), union(this.#namespaces, this.#nextNamespaces));
  }

  visit({ metadata: { uid } }: KubeObject): void {
    this.#visited.add(uid);
  }

  /** Deletes members that were not applied this time; only when all were. */
  async prune(): Promise<void> {
    const mapper = await this.#call.session.discovered();
    for (const key of this.#kinds) {
      const resource = mapper.resources.find((one) => kindKey(one) === key && one.verbs.includes('delete'));
      if (!resource) throw new KubectlError(`parsing ApplySet annotation on "${this.#reference}": could not find mapping for kind in "${KINDS}" annotation: no matches for kind "${key.split('.')[0]}" in group "${key.split('.').slice(1).join('.')}"`);
      for (const namespace of resource.namespaced ? this.#namespaces : [undefined]) {
        const { items } = await this.#call.session.json<ObjectList<KubeObject>>(pathOf(resource, { namespace }), { query: { labelSelector: `${PART_OF}=${this.id}` } });
        for (const object of items) if (!this.#visited.has(object.metadata.uid)) await deletePruned(this.#call, resource, namespace, object);
      }
    }
    await this.#writeParent(this.#nextKinds, this.#nextNamespaces);
  }

  get #reference(): string {
    return `${this.#parent.resource}.${this.#parent.group}/${this.#name}`;
  }

  async #validate(): Promise<void> {
    const { group, version, resource, namespaced } = this.#parent;
    const faults: string[] = [];
    if (namespaced && !this.#namespace) faults.push('namespace is required to use namespace-scoped ApplySet');
    if (!isBuiltIn(this.#parent)) {
      const { items } = await this.#call.session.json<ObjectList<KubeObject>>('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { query: { labelSelector: `${PREFIX}/is-parent-type` } });
      if (!items.some(({ metadata }) => metadata.name === `${resource}.${group}`)) faults.push(`resource "${group}/${version}, Resource=${resource}" is not permitted as an ApplySet parent`);
    }
    if (faults.length > 0) throw new KubectlError(faults.length === 1 ? faults[0]! : `[${faults.join(', ')}]`);
  }

  async #readParent(): Promise<void> {
    const about = `ApplySet parent object "${this.#reference}"`;
    let parent: KubeObject;
    try {
      parent = await this.#call.session.json<KubeObject>(pathOf(this.#parent, { namespace: this.#namespace, name: this.#name }));
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      if (!isBuiltIn(this.#parent)) throw new KubectlError('custom resource ApplySet parents cannot be created automatically');
      return;
    }
    const { annotations = {}, labels = {} } = parent.metadata;
    const tooling = annotations[TOOLING];
    if (tooling === undefined) throw new KubectlError(`${about} already exists and is missing required annotation "${TOOLING}"`);
    const tool = tooling.includes('/') ? tooling.slice(0, tooling.lastIndexOf('/')) : tooling;
    if (tool !== 'kubectl') throw new KubectlError(`${about} already exists and is managed by tooling "${tool}" instead of "kubectl"`);
    const id = labels[`${PREFIX}/id`];
    if (id === undefined) throw new KubectlError(`${about} exists and does not have required label ${PREFIX}/id`);
    if (id !== this.id) throw new KubectlError(`${about} exists and has incorrect value for label "${PREFIX}/id" (got: ${id}, want: ${this.id})`);
    if (annotations[KINDS] === undefined) throw new KubectlError(`parsing ApplySet annotation on "${this.#reference}": kubectl requires the "${KINDS}" annotation to be set on all ApplySet parent objects`);
    this.#kinds = new Set(annotations[KINDS].split(',').filter(Boolean));
    this.#namespaces = new Set([...(annotations[NAMESPACES] ?? '').split(',').filter(Boolean), ...(this.#namespace ? [this.#namespace] : [])]);
  }

  async #writeParent(kinds: ReadonlySet<string>, namespaces: ReadonlySet<string>): Promise<void> {
    if (dryRunOf(this.#call.flags) === 'client') return;
    const list = (names: ReadonlySet<string>): string => [...names].toSorted().join(',');
    const body = {
      apiVersion: apiVersionOf(this.#parent), kind: this.#parent.kind,
      metadata: {
        name: this.#name, ...(this.#namespace && { namespace: this.#namespace }), labels: { [`${PREFIX}/id`]: this.id },
        annotations: { [TOOLING]: 'kubectl/v1.36.0', [KINDS]: list(kinds), [NAMESPACES]: list(new Set([...namespaces].filter((name) => name !== this.#namespace))) },
      },
    };
    await this.#call.session.call('PATCH', pathOf(this.#parent, { namespace: this.#namespace, name: this.#name }), { body, contentType: 'application/apply-patch+yaml', query: { ...writeQuery(this.#call, MANAGER), fieldManager: MANAGER, force: 'true' } });
  }
}

const isBuiltIn = ({ group, resource }: DiscoveredResource): boolean => group === '' && (resource === 'secrets' || resource === 'configmaps');
/** `Deployment.apps`, `ConfigMap`. */
const kindKey = ({ kind, group }: Pick<DiscoveredResource, 'kind' | 'group'>): string => (group ? `${kind}.${group}` : kind);
const union = (a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> => new Set([...a, ...b]);
