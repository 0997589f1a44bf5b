import type { KubeObject } from '../../api/object.ts';
import type { Conversion } from './built-in-form.ts';

/** Stored (core/v1) name of a field and its name in events.k8s.io/v1. Fields that are called the same are not listed. */
const RENAMED: readonly (readonly [stored: string, shown: string])[] = [
  ['involvedObject', 'regarding'], ['source', 'deprecatedSource'], ['message', 'note'], ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'], ['count', 'deprecatedCount'], ['reportingComponent', 'reportingController'],
];
const toShown = new Map(RENAMED);
const toStored = new Map(RENAMED.map(([stored, shown]) => [shown, stored] as const));

function renamed(object: KubeObject, names: ReadonlyMap<string, string>): KubeObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [names.get(key) ?? key, value as unknown])) as unknown as KubeObject;
}

/** Events of events.k8s.io are events of the core group under other names. Upstream: pkg/apis/events/v1/conversion.go. */
export const eventConversion: Conversion = {
  fromStored: (object) => renamed(object, toShown),
  toStored: (object) => renamed(object, toStored),
};
