import type { CelProgram } from '../../api/cel/cel.ts';
import type { Device, DeviceSelector } from '../../api/generated/resource-v1.ts';

interface Loaded {
  readonly compile: (source: string) => CelProgram;
  readonly quantity: (text: string) => unknown;
  readonly semver: (text: string) => unknown;
}

let loaded: Loaded | undefined;
let loading: Promise<void> | undefined;

/** Loads what evaluates selectors of devices: most clusters have none. */
export function loadDeviceExpressions(): Promise<void> {
  return (loading ??= (async () => {
    const { celCompiler } = await import('../../api/cel/cel.ts');
    const compile = celCompiler({ variables: ['device'] });
    const literal = celCompiler({ variables: ['text'] });
    const [quantity, semver] = [literal('quantity(text)'), literal('semver(text)')];
    loaded = { compile, quantity: (text) => quantity.evaluate({ text }), semver: (text) => semver.evaluate({ text }) };
  })());
}

export const deviceExpressionsLoaded = (): boolean => loaded !== undefined;

const seen = new WeakMap<Device, Readonly<Record<string, unknown>>>();

/** Whether all of the selectors select the device. Throws CelError for what cannot be evaluated, as an attribute that the device has not. Only once `loadDeviceExpressions` has loaded. */
export function selects(selectors: readonly DeviceSelector[] | undefined, driver: string, device: Device): boolean {
  return (selectors ?? []).every(({ cel }) => {
    if (!cel) return true;
    let value = seen.get(device);
    if (!value) seen.set(device, (value = valueOf(driver, device)));
    return loaded!.compile(cel.expression).evaluate({ device: value }) === true;
  });
}

/** `device.attributes["gpu.example"].model`: names without a domain belong to the driver's. Upstream: dynamic-resource-allocation/cel. */
function valueOf(driver: string, { attributes = {}, capacity = {}, allowMultipleAllocations = false }: Device): Readonly<Record<string, unknown>> {
  const byDomain = (entries: readonly (readonly [string, unknown])[]): Record<string, Record<string, unknown>> => {
    const domains: Record<string, Record<string, unknown>> = { [driver]: {} };
    for (const [name, value] of entries) {
      const slash = name.indexOf('/');
      (domains[slash < 0 ? driver : name.slice(0, slash)] ??= {})[name.slice(slash + 1)] = value;
    }
    return domains;
  };
  return {
    driver, allowMultipleAllocations,
    attributes: byDomain(Object.entries(attributes).map(([name, { version, string, bool, int }]) => [name, version === undefined ? (string ?? bool ?? int) : loaded!.semver(version)])),
    capacity: byDomain(Object.entries(capacity).map(([name, { value }]) => [name, loaded!.quantity(value)])),
  };
}
