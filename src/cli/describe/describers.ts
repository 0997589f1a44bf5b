import type { KubeObject } from '../../api/object.ts';
import type { Session } from '../session.ts';
import { describeFields } from './fields.ts';
import { describePod } from './pod.ts';
import { describeService } from './service.ts';
import type { DescribeWriter } from './writer.ts';

export interface DescribeContext {
  readonly session: Session;
  readonly out: DescribeWriter;
  readonly nowMs: number;
}

/** Writes all but the events. */
export type Describer = (object: never, context: DescribeContext) => Promise<void> | void;

/** The kinds that have a describer of their own, one line each, by `Kind.group`. */
const describers: Readonly<Record<string, Describer>> = {
  'Pod.': describePod,
  'Service.': describeService,
};

export async function describeObject(object: KubeObject, group: string, context: DescribeContext): Promise<void> {
  const describer = describers[`${object.kind}.${group}`] as ((object: KubeObject, context: DescribeContext) => Promise<void> | void) | undefined;
  if (describer) return describer(object, context);
  const { out } = context;
  out.field(0, 'Name', object.metadata.name);
  if (object.metadata.namespace) out.field(0, 'Namespace', object.metadata.namespace);
  out.map(0, 'Labels', object.metadata.labels);
  out.map(0, 'Annotations', object.metadata.annotations, ': ');
  out.field(0, 'API Version', object.apiVersion);
  out.field(0, 'Kind', object.kind);
  const { labels: _labels, annotations: _annotations, managedFields: _managed, name: _name, namespace: _namespace, ...metadata } = object.metadata;
  out.line(0, 'Metadata:');
  describeFields(out, 1, metadata);
  describeFields(out, 0, object as never, ['apiVersion', 'kind', 'metadata']);
}
