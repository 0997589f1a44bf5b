import { KubectlError } from '../command/kubectl-error.ts';
import type { Call } from '../command/verb.ts';

/** The one NAME that a noun takes. */
export function nameOf(call: Call, extra = 0): string {
  const count = call.dashAt >= 0 ? call.dashAt : call.args.length;
  if (count === 0) throw new KubectlError(`exactly one NAME is required, got 0\nSee '${call.path} -h' for help and examples`);
  if (count > 1 + extra) throw new KubectlError(`exactly one NAME is required, got ${count}\nSee '${call.path} -h' for help and examples`);
  return call.args[0]!;
}

/** Flags that a noun cannot do without are asked for before anything else. */
export function requireFlags({ flags }: Call, ...names: readonly string[]): void {
  const missing = names.filter((name) => !flags.changed(name));
  if (missing.length > 0) throw new KubectlError(`required flag(s) ${missing.map((name) => `"${name}"`).join(', ')} not set`);
}
