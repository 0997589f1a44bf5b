import type { CapacityRequirements, Device, DeviceCapacity } from '../../api/generated/resource-v1.ts';
import { compareQuantities, quantityOf, quantityValue, addQuantities } from '../../api/quantity.ts';

/** Of each of a device's capacities so much. */
export type Capacities = Readonly<Record<string, string>>;

/**
 * What a request takes of a device that several may have at once; undefined where the device cannot serve it, even were it free. What is not asked for counts as
 * the default of the capacity, or all of it; what is asked for is rounded up to what may be asked for. Upstream: structured consumable_capacity.go.
 */
export function consumedCapacity(required: CapacityRequirements | undefined, { capacity = {} }: Device): Capacities | undefined {
  const asked = required?.requests ?? {};
  if (Object.keys(asked).some((name) => !capacity[name])) return undefined;
  const consumed: Record<string, string> = {};
  for (const [name, of] of Object.entries(capacity)) {
    const amount = rounded(asked[name], of);
    if (violates(amount, of) || compareQuantities(amount, of.value) > 0) return undefined;
    consumed[name] = amount;
  }
  return consumed;
}

function rounded(asked: string | undefined, { value, requestPolicy }: DeviceCapacity): string {
  if (asked === undefined) return requestPolicy?.default ?? value;
  const { validRange, validValues } = requestPolicy ?? {};
  if (validRange) {
    if (compareQuantities(asked, validRange.min) < 0) return validRange.min;
    if (validRange.step === undefined) return asked;
    const [min, step] = [quantityValue(validRange.min), quantityValue(validRange.step)];
    return quantityOf(min + Math.ceil((quantityValue(asked) - min) / step) * step, 'units', 'BinarySI');
  }
  return validValues?.find((valid) => compareQuantities(asked, valid) <= 0) ?? asked;
}

function violates(amount: string, { requestPolicy }: DeviceCapacity): boolean {
  if (!requestPolicy || requestPolicy.default === amount) return false;
  const { validRange, validValues = [] } = requestPolicy;
  if (validRange) {
    if (validRange.max !== undefined && compareQuantities(amount, validRange.max) > 0) return true;
    return validRange.step !== undefined && (quantityValue(amount) - quantityValue(validRange.min)) % quantityValue(validRange.step) !== 0;
  }
  return validValues.length > 0 && !validValues.some((valid) => compareQuantities(amount, valid) === 0);
}

/** Whether all these shares of one device fit into it together. */
export function fitsTogether({ capacity = {} }: Device, shares: readonly Capacities[]): boolean {
  return Object.entries(capacity).every(([name, { value }]) => compareQuantities(addQuantities(...shares.map((share) => share[name])), value) <= 0);
}
