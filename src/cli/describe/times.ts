import { ageOf } from '../../api/human-duration.ts';

/** RFC 1123 with a numeric zone, `Mon, 23 Nov 2026 09:17:26 +0000`; the zero time of Go where there is none. */
export function rfc1123(time: string | undefined): string {
  const date = new Date(time ?? '0001-01-01T00:00:00Z');
  return date.toUTCString().replace(/ GMT$/, ' +0000');
}

/** `3m`, `<unknown>` without a time. */
export function since(time: string | undefined, nowMs: number): string {
  return time ? ageOf(time, nowMs) : '<unknown>';
}
