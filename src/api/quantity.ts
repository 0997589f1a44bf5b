/**
 * Kubernetes quantities: `100m`, `1.5Gi`, `12e6`. Exact to 10⁻⁹, smaller parts are rounded away from zero.
 * Objects hold them as text in canonical form; compute on them with the functions here, all of which take the text (or a plain number).
 * Upstream: apimachinery pkg/api/resource.
 */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

export interface Quantity {
  /** The amount times 10⁹. */
  readonly nano: bigint;
  readonly format: QuantityFormat;
}

export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

const ONE = 1_000_000_000n;
const MAX_BINARY = (1n << 63n) - 1n;
const decimalExponents: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binaryExponents: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** Parsed texts; a cluster uses few different ones. */
const parsed = new Map<string, Quantity>();
const PARSED_LIMIT = 4096;

/** Throws a QuantityError worded as upstream's where `text` is no quantity. */
export function parseQuantity(text: string | number): Quantity {
  const key = typeof text === 'number' ? String(text) : text;
  const known = parsed.get(key);
  if (known) return known;
  const quantity = parse(key);
  if (parsed.size >= PARSED_LIMIT) parsed.clear();
  parsed.set(key, quantity);
  return quantity;
}

function parse(text: string): Quantity {
  const match = text === '' ? null : /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/.exec(text);
  if (!match || (match[2] === '' && match[3] === undefined && match[4] !== '')) throw new QuantityError(FORMAT);
  const [, sign, whole = '', fraction = '', suffix = ''] = match;
  const digits = BigInt((whole + fraction) || '0');
  let format: QuantityFormat = 'DecimalSI';
  let exponent = decimalExponents[suffix];
  let amount: bigint;
  const binary = binaryExponents[suffix];
  if (binary !== undefined) {
    format = 'BinarySI';
    amount = divideUp(digits * ONE << BigInt(binary), 10n ** BigInt(fraction.length));
    if (amount > MAX_BINARY * ONE) amount = MAX_BINARY * ONE;
    if (amount > 0n && amount < ONE) format = 'DecimalSI';
  } else {
    if (exponent === undefined) {
      const scientific = /^[eE]([-+]?\d+)$/.exec(suffix);
      if (!scientific) throw new QuantityError("unable to parse quantity's suffix");
      format = 'DecimalExponent';
      exponent = Number(scientific[1]);
      // Beyond this a text of a few bytes would make a number of megabytes.
      if (Math.abs(exponent) > 1000) throw new QuantityError('unable to parse numeric part of quantity');
    }
    const shift = exponent - fraction.length + 9;
    amount = shift >= 0 ? digits * 10n ** BigInt(shift) : divideUp(digits, 10n ** BigInt(-shift));
  }
  return { nano: sign === '-' ? -amount : amount, format };
}

/** Rounds away from zero: who asks for a little gets some. */
function divideUp(amount: bigint, by: bigint): bigint {
  const quotient = amount / by;
  if (quotient * by === amount) return quotient;
  return amount > 0n ? quotient + 1n : quotient - 1n;
}

/** The canonical text: no fraction, the largest suffix that leaves a whole number. `1000m` → `1`, `1024Mi` → `1Gi`, `0.5` → `500m`. */
export function formatQuantity(quantity: Quantity): string {
  let { nano, format } = quantity;
  if (nano === 0n) return '0';
  if (format === 'BinarySI' && ((nano > -1024n * ONE && nano < 1024n * ONE) || nano % ONE !== 0n)) format = 'DecimalSI';
  if (format === 'BinarySI') {
    let amount = nano / ONE;
    let power = 0;
    while (power < 6 && amount % 1024n === 0n) {
      amount /= 1024n;
      power++;
    }
    return `${amount}${binarySuffixes[power]}`;
  }
  let power = 0;
  while ((format === 'DecimalExponent' || power < 9) && nano % 1000n === 0n) {
    nano /= 1000n;
    power++;
  }
  if (format === 'DecimalSI') return `${nano}${decimalSuffixes[power]}`;
  return power === 3 ? `${nano}` : `${nano}e${(power - 3) * 3}`;
}

/** Texts that are canonical already, without a look at their value: the great majority. */
const alreadyCanonical = /^(?:0|[1-9]\d{0,2}(?:m|k|M|G|T)?|[1-9]\d{0,2}(?:Ki|Mi|Gi|Ti)|[1-9]\d*[1-9]0{0,2})$/;

/** `1000m` → `1`. Throws a QuantityError. */
export function canonicalQuantity(text: string | number): string {
  if (typeof text === 'string' && alreadyCanonical.test(text)) return text;
  return formatQuantity(parseQuantity(text));
}

export function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch (error) {
    if (error instanceof QuantityError) return false;
    throw error;
  }
}

/** Negative, zero or positive as `a` is less than, equal to or more than `b`. An absent quantity is zero. */
export function compareQuantities(a: string | number | undefined, b: string | number | undefined): number {
  if (a === b) return 0;
  const difference = nanoOf(a) - nanoOf(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

const nanoOf = (text: string | number | undefined): bigint => (text === undefined ? 0n : parseQuantity(text).nano);
const zero: Quantity = { nano: 0n, format: 'DecimalSI' };

/** The sum in canonical text, in the format of the first that is not zero. */
export function addQuantities(...texts: readonly (string | number | undefined)[]): string {
  return formatQuantity(texts.reduce<Quantity>((sum, text) => {
    const other = text === undefined ? zero : parseQuantity(text);
    return { nano: sum.nano + other.nano, format: sum.nano === 0n ? other.format : sum.format };
  }, zero));
}

export function subtractQuantities(from: string | number | undefined, text: string | number | undefined): string {
  const left = from === undefined ? zero : parseQuantity(from);
  const right = text === undefined ? zero : parseQuantity(text);
  return formatQuantity({ nano: left.nano - right.nano, format: left.nano === 0n ? right.format : left.format });
}

/** -1, 0 or 1. */
export function quantitySign(text: string | number | undefined): number {
  const nano = nanoOf(text);
  return nano < 0n ? -1 : nano > 0n ? 1 : 0;
}

const multipliers: Readonly<Record<string, number>> = {
  '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40,
};

/** In whole units, rounded away from zero: bytes of memory, pieces of a device. Exact up to 2⁵³. */
export function quantityValue(text: string | number | undefined): number {
  if (text === undefined) return 0;
  const quick = typeof text === 'string' ? /^(\d{1,9})([kMGT]|[KMGT]i)?$/.exec(text) : null;
  if (quick) return Number(quick[1]) * multipliers[quick[2] ?? '']!;
  return Number(divideUp(parseQuantity(text).nano, ONE));
}

/** In thousandths, rounded away from zero: millicores. */
export function milliValue(text: string | number | undefined): number {
  if (text === undefined) return 0;
  const quick = typeof text === 'string' ? /^(\d{1,12})(m)?$/.exec(text) : null;
  if (quick) return quick[2] ? Number(quick[1]) : Number(quick[1]) * 1000;
  return Number(divideUp(parseQuantity(text).nano, 1_000_000n));
}

/** As a number with its fraction; may lose precision. */
export function quantityToNumber(text: string | number | undefined): number {
  if (text === undefined) return 0;
  const { nano } = parseQuantity(text);
  return nano % ONE === 0n ? Number(nano / ONE) : Number(nano) / 1e9;
}

/** `quantityOf(1500, 'milli')` → `1500m`; `quantityOf(2 ** 30, 'units', 'BinarySI')` → `1Gi`. */
export function quantityOf(amount: number, unit: 'milli' | 'units' = 'units', format: QuantityFormat = 'DecimalSI'): string {
  return formatQuantity({ nano: BigInt(Math.trunc(amount)) * (unit === 'milli' ? 1_000_000n : ONE), format });
}
