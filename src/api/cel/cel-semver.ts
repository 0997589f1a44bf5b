import type { Environment } from '@marcbachmann/cel-js';

/** `semver("1.2.3-rc.1")` */
export class CelSemver {
  readonly numbers: readonly [bigint, bigint, bigint];
  /** The parts of the pre-release, none for a release. */
  readonly before: readonly string[];
  constructor(numbers: readonly [bigint, bigint, bigint], before: readonly string[]) {
    this.numbers = numbers;
    this.before = before;
  }
}

const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

function parse(text: string, normalize = false): CelSemver | undefined {
  const match = SEMVER.exec(normalize ? normalized(text) : text);
  return match ? new CelSemver([BigInt(match[1]!), BigInt(match[2]!), BigInt(match[3]!)], match[4]?.split('.') ?? []) : undefined;
}

/** Without a leading `v` and leading zeros, and with all three numbers. */
function normalized(text: string): string {
  const match = /^v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(.*)$/.exec(text);
  if (!match) return text;
  const plain = (digits = '0'): string => digits.replace(/^0+(?=\d)/, '');
  return `${plain(match[1])}.${plain(match[2])}.${plain(match[3])}${match[4]}`;
}

function compare(a: CelSemver, b: CelSemver): number {
  for (const [i, number] of a.numbers.entries()) if (number !== b.numbers[i]!) return number < b.numbers[i]! ? -1 : 1;
  if (a.before.length === 0 || b.before.length === 0) return Math.sign(b.before.length - a.before.length);
  for (const [i, part] of a.before.entries()) {
    const other = b.before[i];
    if (other === undefined) return 1;
    if (part === other) continue;
    const [left, right] = [/^\d+$/.test(part), /^\d+$/.test(other)];
    if (left && right) return BigInt(part) < BigInt(other) ? -1 : 1;
    return left !== right ? (left ? -1 : 1) : part < other ? -1 : 1;
  }
  return Math.sign(a.before.length - b.before.length);
}

/** Upstream: apiserver pkg/cel/library/semverlib.go. */
export function registerSemver(environment: Environment): void {
  const make = (text: string, normalize?: boolean): CelSemver => {
    const version = parse(text, normalize);
    if (!version) throw new Error(`semver parse error: Invalid character(s) or number of parts found in version ${JSON.stringify(text)}`);
    return version;
  };
  environment.registerType('Semver', CelSemver);
  environment.registerFunction('semver(string): Semver', (text: string) => make(text));
  environment.registerFunction('semver(string, bool): Semver', make);
  environment.registerFunction('isSemver(string): bool', (text: string) => parse(text) !== undefined);
  environment.registerFunction('isSemver(string, bool): bool', (text: string, normalize: boolean) => parse(text, normalize) !== undefined);
  for (const [i, name] of ['major', 'minor', 'patch'].entries()) environment.registerFunction(`Semver.${name}(): int`, (version: CelSemver) => version.numbers[i]);
  environment.registerFunction('Semver.isGreaterThan(Semver): bool', (a: CelSemver, b: CelSemver) => compare(a, b) > 0);
  environment.registerFunction('Semver.isLessThan(Semver): bool', (a: CelSemver, b: CelSemver) => compare(a, b) < 0);
  environment.registerFunction('Semver.compareTo(Semver): int', (a: CelSemver, b: CelSemver) => BigInt(compare(a, b)));
  environment.registerOperator('Semver == Semver', (a: CelSemver, b: CelSemver) => compare(a, b) === 0);
}
