import { ageOf } from '../human-duration.ts';
import type { TableColumn } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import type { Container, PodTemplateSpec } from '../generated/core-v1.ts';

type Cell = string | number | boolean;

/** A column of text, by its heading, what it tells, and how its cell is found. */
export function text<T>(name: string, description: string, value: (object: T, nowMs: number) => string): TableColumn<T> {
  return { name, type: 'string', description, value };
}

export function integer<T>(name: string, description: string, value: (object: T) => number): TableColumn<T> {
  return { name, type: 'integer', description, value };
}

/** A count in a column that upstream declares to be text. */
export function count<T>(name: string, description: string, value: (object: T) => number): TableColumn<T> {
  return { name, type: 'string', description, value };
}

export function boolean<T>(name: string, description: string, value: (object: T) => Cell): TableColumn<T> {
  return { name, type: 'boolean', description, value };
}

/** The same column, shown with `-o wide` only. */
export const wide = <T>(column: TableColumn<T>): TableColumn<T> => ({ ...column, priority: 1 });

export const nameColumn: TableColumn<KubeObject> = {
  name: 'Name', type: 'string', format: 'name', description: 'The name of the object, unique in its namespace.', value: (object) => object.metadata.name,
};

export const ageColumn: TableColumn<KubeObject> = text('Age', 'The time since the object was created.', (object, nowMs) => ageOf(object.metadata.creationTimestamp, nowMs));

/** The columns Containers and Images, shown with `-o wide`. */
export function containerColumns<T>(template: (object: T) => PodTemplateSpec | undefined): readonly TableColumn<T>[] {
  const cells = (object: T, cell: (container: Container) => string): string => (template(object)?.spec?.containers ?? []).map(cell).join(',');
  return [
    wide(text('Containers', 'Names of each container in the template.', (object) => cells(object, (container) => container.name))),
    wide(text('Images', 'Images referenced by each container in the template.', (object) => cells(object, (container) => container.image ?? ''))),
  ];
}

/** At most three of a list, and how many more there are. Upstream: printers.listWithMoreString. */
export function firstThree(list: readonly string[]): string {
  if (list.length === 0) return '<unset>';
  return list.length > 3 ? `${list.slice(0, 3).join(',')} + ${list.length - 3} more...` : list.join(',');
}
