import type { TableColumn } from '../../api/kind.ts';
import type { KubeObject, ObjectList } from '../../api/object.ts';
import type { ServedResource } from '../registry/served-resource.ts';

/** What a row carries of its object. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** The columns of a kind that has none of its own. Upstream: apiserver pkg/registry/rest.NewDefaultTableConvertor. */
const DEFAULT_COLUMNS: readonly TableColumn<KubeObject>[] = [
  { name: 'Name', type: 'string', format: 'name', description: 'Name must be unique within a namespace.', value: (object) => object.metadata.name },
  { name: 'Created At', type: 'date', description: 'CreationTimestamp is the time at which the object was created.', value: (object) => object.metadata.creationTimestamp },
];

export function partialObjectMetadata(object: KubeObject): KubeObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

export function partialObjectMetadataList(list: ObjectList<KubeObject>): ObjectList<KubeObject> {
  return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata: list.metadata, items: list.items.map(partialObjectMetadata) };
}

export interface TableOptions {
  readonly includeObject: IncludeObject;
  readonly nowMs: number;
  /** Absent in the events of a watch after the first: the client knows the columns. */
  readonly withoutColumns?: boolean;
}

/** The table that a server prints of objects. Upstream: apimachinery pkg/apis/meta/v1.Table, pkg/printers/tableconvertor. */
export function tableOf({ definition }: ServedResource, objects: readonly KubeObject[], metadata: Readonly<Record<string, unknown>>, options: TableOptions): object {
  const columns = definition.columns ?? DEFAULT_COLUMNS;
  return {
    kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata,
    columnDefinitions: options.withoutColumns ? null : columns.map(({ name, type, format = '', description, priority = 0 }) => ({ name, type, format, description, priority })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.value(object, options.nowMs)),
      ...(options.includeObject !== 'None' && { object: options.includeObject === 'Object' ? object : partialObjectMetadata(object) }),
    })),
  };
}
