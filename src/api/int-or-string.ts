/** A count or a share: `3`, `"25%"`, or the name of a port. Upstream: apimachinery pkg/util/intstr. */
export type IntOrString = number | string;

/**
 * `25%` of `total`, or the plain number. Throws where a string is not a percentage.
 * Upstream: GetScaledValueFromIntOrPercent.
 */
export function scaledValue(value: IntOrString, total: number, roundUp: boolean): number {
  if (typeof value === 'number') return value;
  const percent = /^([+-]?\d+)%$/.exec(value);
  if (!percent) {
    const cause = value.endsWith('%') ? `invalid value ${JSON.stringify(value)}: strconv.Atoi: parsing ${JSON.stringify(value.slice(0, -1))}: invalid syntax` : 'invalid type: string is not a percentage';
    throw new RangeError(`invalid value for IntOrString: ${cause}`);
  }
  const share = (Number(percent[1]) * total) / 100;
  return roundUp ? Math.ceil(share) : Math.floor(share);
}
