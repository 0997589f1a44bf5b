import { Reader } from '../base/grpc/wire.ts';
import type { RuntimeEvent } from './runtime.ts';

/** The strings of a message by field number; all that is needed of containerd's task events. */
function stringFields(bytes: Uint8Array): Map<number, string> {
  const fields = new Map<number, string>();
  for (const reader = new Reader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)); !reader.done;) {
    const tag = reader.unsigned();
    if (tag % 8 === 2) fields.set(tag >>> 3, reader.text());
    else reader.skip(tag % 8);
  }
  return fields;
}

/**
 * What a containerd task event means to a kubelet; undefined for processes started by exec. Field numbers: containerd
 * api/events/task.proto (TaskStart, TaskExit: container_id 1; the exec id is 2 in TaskExit).
 */
export function taskEvent(envelope: { readonly topic: string; readonly event: { readonly value: Uint8Array } | null }): RuntimeEvent | undefined {
  if (!envelope.event) return undefined;
  const fields = stringFields(envelope.event.value);
  const id = fields.get(1);
  if (!id) return undefined;
  switch (envelope.topic) {
    case '/tasks/start': return { type: 'started', id };
    case '/tasks/exit': return (fields.get(2) ?? id) === id ? { type: 'stopped', id } : undefined;
    default: return undefined;
  }
}
