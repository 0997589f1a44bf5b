import { KubectlError } from '../command/kubectl-error.ts';
import type { FieldSpec } from './field-spec.ts';
import type { HelmChart, HelmGlobals } from './helm-chart.ts';

/** Picks resources: each part is a regular expression for the whole, labels and annotations are selectors. */
export interface Selector {
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly annotationSelector?: string;
}

export interface Patch {
  readonly path?: string;
  readonly patch?: string;
  readonly target?: Selector;
  readonly options?: { readonly allowNameChange?: boolean; readonly allowKindChange?: boolean };
}

export interface GeneratorOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly disableNameSuffixHash?: boolean;
  readonly immutable?: boolean;
}

export interface DataGenerator {
  readonly name?: string;
  readonly namespace?: string;
  readonly behavior?: string;
  readonly literals?: readonly string[];
  readonly files?: readonly string[];
  readonly env?: string;
  readonly envs?: readonly string[];
  /** Of secrets. */
  readonly type?: string;
  readonly options?: GeneratorOptions;
}

export interface ImageChange {
  readonly name: string;
  readonly newName?: string;
  readonly newTag?: string | number;
  readonly digest?: string;
  readonly tagSuffix?: string;
}

export interface FieldOptions {
  readonly delimiter?: string;
  readonly index?: number;
  readonly create?: boolean;
}

export interface Replacement {
  readonly path?: string;
  readonly sourceValue?: string;
  readonly source?: Selector & { readonly fieldPath?: string; readonly options?: FieldOptions };
  readonly targets?: readonly { readonly select?: Selector; readonly reject?: readonly Selector[]; readonly fieldPaths?: readonly string[]; readonly options?: FieldOptions }[];
}

export interface LabelPairs {
  readonly pairs?: Readonly<Record<string, string>>;
  readonly includeSelectors?: boolean;
  readonly includeTemplates?: boolean;
  readonly includeVolumeClaimTemplates?: boolean;
  readonly fields?: readonly FieldSpec[];
}

/** What a kustomization file may say. Upstream: kustomize api/types/kustomization.go. */
export interface Kustomization {
  readonly apiVersion: string;
  readonly kind: 'Kustomization' | 'Component';
  readonly resources: readonly string[];
  readonly components: readonly string[];
  readonly namespace?: string;
  readonly namePrefix?: string;
  readonly nameSuffix?: string;
  readonly labels: readonly LabelPairs[];
  readonly commonLabels?: Readonly<Record<string, string>>;
  readonly commonAnnotations?: Readonly<Record<string, string>>;
  readonly images: readonly ImageChange[];
  readonly replicas: readonly { readonly name: string; readonly count: number }[];
  readonly patches: readonly Patch[];
  readonly patchesStrategicMerge: readonly string[];
  readonly patchesJson6902: readonly Patch[];
  readonly configMapGenerator: readonly DataGenerator[];
  readonly secretGenerator: readonly DataGenerator[];
  readonly generatorOptions?: GeneratorOptions;
  readonly replacements: readonly Replacement[];
  readonly helmCharts: readonly HelmChart[];
  readonly helmGlobals?: HelmGlobals;
  readonly sortOptions?: { readonly order?: string; readonly legacySortOptions?: { readonly orderFirst?: readonly string[]; readonly orderLast?: readonly string[] } };
}

const LISTS = ['resources', 'components', 'labels', 'images', 'replicas', 'patches', 'patchesStrategicMerge', 'patchesJson6902', 'configMapGenerator', 'secretGenerator', 'replacements', 'helmCharts'] as const;
const OTHERS = ['apiVersion', 'kind', 'metadata', 'namespace', 'namePrefix', 'nameSuffix', 'commonLabels', 'commonAnnotations', 'generatorOptions', 'sortOptions', 'bases', 'imageTags', 'helmGlobals'];

/** Fields of kustomize that we do not carry out, and what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  vars: 'use replacements',
  helmChartInflationGenerator: 'render the chart with helm template and name the output under resources',
  generators: 'run the generator first and name its output under resources',
  transformers: 'use the fields of the kustomization itself (labels, patches, images, replacements …)',
  validators: 'validate the output of kubectl kustomize instead',
  configurations: 'use patches or replacements for fields that are not covered',
  crds: 'use replacements for references within custom resources',
  openapi: 'use JSON patches (RFC 6902) for lists of custom resources',
  buildMetadata: 'add the labels or annotations with labels or commonAnnotations',
};

const DEPRECATED: readonly (readonly [string, string])[] = [
  ['bases', 'resources'], ['commonLabels', 'labels'], ['imageTags', 'images'], ['patchesJson6902', 'patches'], ['patchesStrategicMerge', 'patches'],
];

/** Checks what a file says; `warn` hears of fields that are out of date. Throws KubectlError for what is unknown or not supported, by name. */
export function readKustomization(value: unknown, file: string, warn: (text: string) => void): Kustomization {
  if (value === null || value === undefined) throw new KubectlError('kustomization.yaml is empty');
  if (typeof value !== 'object' || Array.isArray(value)) throw new KubectlError(`invalid Kustomization: ${file} is no map`);
  const given = value as Record<string, unknown>;
  for (const field of Object.keys(given)) {
    if (Object.hasOwn(REFUSED, field)) throw new KubectlError(`${file}: the field ${field} is not supported by this kubectl; ${REFUSED[field]}, or build with the kustomize program`);
    if (!(LISTS as readonly string[]).includes(field) && !OTHERS.includes(field)) throw new KubectlError(`invalid Kustomization: json: unknown field "${field}"`);
  }
  if (Object.keys(given).every((field) => field === 'apiVersion' || field === 'kind')) throw new KubectlError('kustomization.yaml is empty');
  for (const [old, now] of DEPRECATED) if (given[old] !== undefined && given[old] !== null) warn(`# Warning: '${old}' is deprecated. Please use '${now}' instead. Run 'kustomize edit fix' to update your Kustomization automatically.\n`);
  const kind = given['kind'] ?? 'Kustomization';
  const wanted = kind === 'Component' ? 'kustomize.config.k8s.io/v1alpha1' : 'kustomize.config.k8s.io/v1beta1';
  const apiVersion = given['apiVersion'] ?? wanted;
  const folder = file.replace(/\/[^/]*$/, '');
  if (kind !== 'Kustomization' && kind !== 'Component') throw new KubectlError(`Failed to read kustomization file under ${folder}:\nkind should be Kustomization or Component`);
  if (apiVersion !== wanted) throw new KubectlError(`Failed to read kustomization file under ${folder}:\napiVersion for ${kind} should be ${wanted}`);
  const lists = Object.fromEntries(LISTS.map((field) => {
    const list = given[field] ?? [];
    if (!Array.isArray(list)) throw new KubectlError(`invalid Kustomization: json: cannot unmarshal into Go struct field Kustomization.${field}: a list is wanted`);
    return [field, list];
  })) as unknown as Kustomization;
  return {
    ...(given as Partial<Kustomization>), ...lists, apiVersion: wanted, kind,
    resources: [...lists.resources, ...((given['bases'] ?? []) as string[])], images: [...lists.images, ...((given['imageTags'] ?? []) as ImageChange[])],
  };
}
