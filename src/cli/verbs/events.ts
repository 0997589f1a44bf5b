import type { Event } from '../../api/generated/core-v1.ts';
import type { ObjectList } from '../../api/object.ts';
import { systemClock } from '../../base/clock.ts';
import { since } from '../describe/times.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { objectPrinter, outputFlags } from '../printers/object-printer.ts';
import { textTable } from '../printers/text-table.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { watchLines } from '../watch/watch-lines.ts';

const flags = {
  ...outputFlags,
  'all-namespaces': { short: 'A', type: 'bool', usage: 'If present, list the requested object(s) across all namespaces.' },
  for: { type: 'string', usage: 'Filter events to only those pertaining to the specified resource.' },
  types: { type: 'strings', usage: 'Output only events of given types.' },
  watch: { short: 'w', type: 'bool', usage: 'After listing the requested events, watch for more events.' },
  'no-headers': { type: 'bool', usage: "When using the default output format, don't print headers." },
  'chunk-size': { type: 'int', default: 500, usage: 'Return large lists in chunks rather than all at once.' },
} as const satisfies FlagSpecs;

/** Upstream: kubectl pkg/cmd/events. */
export const verb: Verb = {
  usage: '[(-o|--output=)json|yaml|name] [--for TYPE/NAME] [--watch] [--types=Normal,Warning]',
  summary: 'List events',
  flags,
  async run(call) {
    const { flags: given, io, session } = call;
    const types = given.strings('types');
    if (types.some((type) => !['normal', 'warning'].includes(type.toLowerCase()))) throw new KubectlError('valid --types are Normal or Warning');
    const namespace = given.bool('all-namespaces') ? undefined : await session.namespace();
    const path = namespace === undefined ? '/api/v1/events' : `/api/v1/namespaces/${namespace}/events`;
    let fieldSelector: string | undefined;
    if (given.string('for')) {
      const [type = '', name, ...more] = given.string('for').split('/');
      if (name === undefined) throw new KubectlError('--for must be in resource/name form');
      if (more.length > 0) throw new KubectlError('arguments in resource/name form may not have more than one slash');
      if (type === '') throw new KubectlError('a resource must be present, got: /, Resource=');
      const resource = (await session.mapper((builtIn) => builtIn.find(type))).find(type);
      if (!resource) throw new KubectlError(`the server doesn't have a resource type "${type}"`, { bare: true });
      // Without a name kubectl shows all, of whatever kind.
      if (name) fieldSelector = `involvedObject.kind=${resource.kind},involvedObject.name=${name}${resource.group ? `,involvedObject.apiVersion=${resource.group}/${resource.version}` : `,involvedObject.apiVersion=${resource.version}`}`;
    }
    const wanted = ({ type = '' }: Event): boolean => types.length === 0 || types.some((one) => one.toLowerCase() === type.toLowerCase());
    const list = await session.json<ObjectList<Event>>(path, { query: { fieldSelector } });
    const events = list.items.filter(wanted).toSorted((a, b) => time(a) - time(b));
    const printer = objectPrinter(given);
    if (events.length === 0 && !given.bool('watch')) {
      io.err(namespace === undefined ? 'No events found.\n' : `No events found in ${namespace} namespace.\n`);
      return;
    }
    const widths: number[] = [];
    let header = !given.bool('no-headers');
    const show = (rows: readonly Event[]): void => {
      if (printer) return rows.forEach((event) => io.out(printer({ ...event, apiVersion: 'v1', kind: 'Event' })));
      const titles = [...(namespace === undefined ? ['NAMESPACE'] : []), 'LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'];
      io.out(textTable([...(header ? [titles] : []), ...rows.map((event) => row(event, namespace === undefined, systemClock.now()))], widths));
      header = false;
    };
    if (printer && !given.bool('watch')) io.out(printer({ apiVersion: 'v1', items: events.map((event) => ({ ...event, apiVersion: 'v1', kind: 'Event' })), kind: 'List', metadata: {} }));
    else if (events.length > 0) show(events);
    if (!given.bool('watch')) return;
    for await (const { type, object } of watchLines<Event>(session, path, { fieldSelector, resourceVersion: list.metadata.resourceVersion }, false, io.signal)) {
      if (type !== 'DELETED' && type !== 'BOOKMARK' && type !== 'ERROR' && wanted(object)) show([object]);
    }
  },
};

function time({ series, lastTimestamp, eventTime }: Event): number {
  const text = series?.lastObservedTime ?? lastTimestamp ?? eventTime;
  return text ? Date.parse(text) : 0;
}

function row(event: Event, withNamespace: boolean, nowMs: number): string[] {
  const { series, count = 0, eventTime, firstTimestamp, lastTimestamp, involvedObject, message = '' } = event;
  const first = since(eventTime ?? firstTimestamp, nowMs);
  const age = series ? `${since(series.lastObservedTime, nowMs)} (x${series.count} over ${first})` : count > 1 ? `${since(lastTimestamp, nowMs)} (x${count} over ${first})` : first;
  return [...(withNamespace ? [event.metadata.namespace ?? ''] : []), age, event.type ?? '', event.reason ?? '', `${involvedObject.kind}/${involvedObject.name}`, message.trim()];
}
