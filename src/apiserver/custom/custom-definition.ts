import type { CustomResourceDefinitionVersion, CustomResourceColumnDefinition } from '../../api/generated/apiextensions-v1.ts';
import { ageOf } from '../../api/human-duration.ts';
import type { KindDefinition, ScaleMapping, TableColumn } from '../../api/kind.ts';
import { ageColumn, nameColumn } from '../../api/kinds/table-columns.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import { compareVersions } from '../../api/resources.ts';
import { jsonPath } from './json-path.ts';

/** What a version of a CRD says besides its schema: columns, scale, fields to select by. */
export function customDefinition(resource: ResourceType<KubeObject>, version: CustomResourceDefinitionVersion, versions: readonly CustomResourceDefinitionVersion[] = [version]): KindDefinition {
  const { additionalPrinterColumns, subresources, selectableFields = [] } = version;
  const selectable = selectableFields.map((field) => [field.jsonPath.replace(/^\./, ''), jsonPath(field.jsonPath)] as const);
  return {
    resource,
    custom: true,
    generation: true,
    unconditionalUpdate: false,
    columns: additionalPrinterColumns?.length ? [nameColumn, ...additionalPrinterColumns.map(column)] : [nameColumn, ageColumn],
    ...(version.deprecated && { deprecation: version.deprecationWarning ?? deprecationOf(resource, versions) }),
    ...(selectable.length > 0 && { selectableFields: (object: KubeObject) => Object.fromEntries(selectable.map(([name, path]) => [name, String(path(object)[0] ?? '')])) }),
    ...(subresources?.scale && { scale: scaleMapping(subresources.scale) }),
  };
}

/** Upstream: apiextensions-apiserver pkg/apiserver/customresource_handler.go, defaultDeprecationWarning. */
function deprecationOf({ group, version, kind }: ResourceType<KubeObject>, versions: readonly CustomResourceDefinitionVersion[]): string {
  const [better] = versions.filter(({ name, served, deprecated }) => served && !deprecated && compareVersions(name, version) < 0).map(({ name }) => name).sort(compareVersions);
  return `${group}/${version} ${kind} is deprecated${better === undefined ? '' : `; use ${group}/${better} ${kind}`}`;
}

/** Upstream: apiextensions-apiserver pkg/registry/customresource/tableconvertor. */
function column({ name, type, format, description = '', priority, jsonPath: path }: CustomResourceColumnDefinition): TableColumn<KubeObject> {
  const find = jsonPath(path);
  return {
    name, type: type as TableColumn<KubeObject>['type'], ...(format && { format }), description: description || `Custom resource definition column (in JSONPath format): ${path}`, ...(priority && { priority }),
    // A cell without a value is null, which clients show as they like.
    value: (object, nowMs) => cell(find(object)[0], type, nowMs) as string,
  };
}

function cell(value: unknown, type: string, nowMs: number): unknown {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer': return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number': return typeof value === 'number' ? value : null;
    case 'boolean': return typeof value === 'boolean' ? value : null;
    case 'date': return typeof value === 'string' ? ageOf(value, nowMs) : null;
    default: return typeof value === 'string' ? value : JSON.stringify(value);
  }
}

interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

function scaleMapping({ specReplicasPath, statusReplicasPath, labelSelectorPath }: ScalePaths): ScaleMapping<KubeObject> {
  const wanted = jsonPath(specReplicasPath);
  const present = jsonPath(statusReplicasPath);
  const selector = labelSelectorPath ? jsonPath(labelSelectorPath) : undefined;
  const number = (values: readonly unknown[]): number => (typeof values[0] === 'number' ? values[0] : 0);
  return {
    replicas: (object) => number(wanted(object)),
    statusReplicas: (object) => number(present(object)),
    selector: (object) => String(selector?.(object)[0] ?? ''),
    withReplicas: (object, replicas) => setMember(object, specReplicasPath.split('.').slice(1), replicas) as KubeObject,
  };
}

function setMember(value: unknown, [first, ...rest]: readonly string[], to: unknown): unknown {
  if (first === undefined) return to;
  const object = (value ?? {}) as Readonly<Record<string, unknown>>;
  return { ...object, [first]: setMember(object[first], rest, to) };
}
