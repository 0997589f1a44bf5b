import type { RuntimeEvent } from './runtime.ts';

/** The strings of a protobuf message by field number; all that is needed of containerd's task events. */
function stringFields(bytes: Uint8Array): Map<number, string> {
  const fields = new Map<number, string>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('truncated message');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag & 7;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else {
      const length = varint();
      fields.set(tag >>> 3, Buffer.from(bytes.subarray(at, at + length)).toString());
      at += length;
    }
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
