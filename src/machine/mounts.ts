import { readFileSync } from 'node:fs';

export interface Mount {
  readonly target: string;
  readonly type: string;
}

/** The mounts of this process' mount namespace, oldest first. */
export function readMounts(): Mount[] {
  return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** /proc/PID/mountinfo, see proc(5): the target is field 5, the type follows the lone dash. */
export function parseMountInfo(text: string): Mount[] {
  return text.split('\n').filter(Boolean).map((line) => {
    const [before, after] = line.split(' - ') as [string, string];
    return { target: unescapeMountPath(before.split(' ')[4]!), type: after.split(' ')[0]! };
  });
}

/** The kernel writes blanks and backslashes of a path as three octal digits. */
function unescapeMountPath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
