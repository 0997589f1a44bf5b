import type { Clock } from './clock.ts';

export type LogFields = Readonly<Record<string, unknown>>;

/** One line an event, `time level component message key=value …`; a component passes itself on by `child`. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(component: string): Log;
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LEVELS)[number];

/** Writes finished lines (with newline) to `write`; events under `level` are dropped before they are formatted. */
export function createLog(options: { write: (line: string) => void; clock: Clock; level?: LogLevel; component?: string }): Log {
  const { write, clock, level = 'info', component = 'wherry' } = options;
  const lowest = LEVELS.indexOf(level);
  const emit = (at: LogLevel) => (message: string, fields?: LogFields): void => {
    if (LEVELS.indexOf(at) < lowest) return;
    const pairs = fields ? Object.entries(fields).map(([key, value]) => ` ${key}=${formatValue(value)}`).join('') : '';
    write(`${new Date(clock.now()).toISOString()} ${at.padEnd(5)} ${component}: ${message}${pairs}\n`);
  };
  return {
    debug: emit('debug'), info: emit('info'), warn: emit('warn'), error: emit('error'),
    child: (name) => createLog({ ...options, component: `${component}/${name}` }),
  };
}

function formatValue(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  if (typeof value === 'string') return /^[\w./:-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? 'undefined';
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silentLog };
