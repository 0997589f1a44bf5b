import { Optional } from '@marcbachmann/cel-js';
import { CelError } from './cel-error.ts';
import { celCompiler, type CelProgram } from './cel.ts';

let duration: CelProgram | undefined;

/** A duration such as `1h30m` as CEL has it; undefined for a text that is none. */
export function celDuration(text: string): unknown {
  try {
    return (duration ??= celCompiler({ variables: ['text'] })('duration(text)')).evaluate({ text });
  } catch (error) {
    if (error instanceof CelError) return undefined;
    throw error;
  }
}

/** A timestamp from RFC 3339 or a date alone; undefined for a text that is none. */
export function celTime(text: string): unknown {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** Bytes from base64. */
export function celBytes(text: string): unknown {
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/** An optional value: none where it is undefined. */
export function celOptional(value: unknown): unknown {
  return Optional.of(value);
}
