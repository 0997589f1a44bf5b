import { KubectlError } from '../command/kubectl-error.ts';

/** `msung99/maestro:0.1.0` → `maestro`, as kubectl names the container of an image. */
export function containerName(image: string): string {
  const last = image.slice(image.lastIndexOf('/') + 1);
  return last.split(/[:@]/)[0]!.toLowerCase().replaceAll(/[^-a-z0-9]/g, '-').slice(0, 63);
}

/** `KEY=value` of `--env`. */
export function parseEnv(pairs: readonly string[]): { name: string; value: string }[] {
  return pairs.map((pair) => {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new KubectlError(`invalid env: ${pair}`);
    return { name: pair.slice(0, equals), value: pair.slice(equals + 1) };
  });
}

/** `a=1,b=2` → `{ a: '1', b: '2' }`. */
export function parseLabels(text: string): Record<string, string> {
  return Object.fromEntries(text.split(',').filter(Boolean).map((pair) => {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new KubectlError(`unexpected label spec: ${pair}`);
    return [pair.slice(0, equals), pair.slice(equals + 1)];
  }));
}
