import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes the log file of a container that starts, as a runtime does even where nothing is ever written. */
export function openLog(path: string): void {
  try {
    appendFileSync(path, '');
  } catch (error) {
    // Mostly the kubelet has made the folder.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    mkdirSync(dirname(path), { recursive: true });
    appendFileSync(path, '');
  }
}

/** Appends a line to a container's log file in the CRI form, `2026-11-23T05:16:45.903000000Z stdout F text`; the file is open. */
export function appendLogLine(path: string, nowMs: number, text: string): void {
  appendFileSync(path, `${new Date(nowMs).toISOString().replace('Z', '000000Z')} stdout F ${text}\n`);
}
