/** Schedules in the form of cron: five fields, or a word such as `@hourly`, or `@every 1h30m`. Upstream: github.com/robfig/cron ParseStandard, whose wording clients see. */
interface Field {
  readonly min: number;
  readonly max: number;
  readonly names?: Readonly<Record<string, number>>;
}

const numbered = (names: string, from: number): Readonly<Record<string, number>> => Object.fromEntries(names.split(' ').map((name, i) => [name, i + from]));

const fields: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: numbered('jan feb mar apr may jun jul aug sep oct nov dec', 1) },
  { min: 0, max: 6, names: numbered('sun mon tue wed thu fri sat', 0) },
];

const words = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);

/** What is wrong with a schedule; undefined where it is right. A leading `TZ=…` is passed over. */
export function cronScheduleFault(schedule: string): string | undefined {
  const spec = schedule.replace(/^(CRON_)?TZ=\S*\s+/, '').trim();
  if (spec === '') return 'empty spec string';
  if (spec.startsWith('@')) return wordFault(spec);
  const parts = spec.split(/\s+/);
  if (parts.length !== fields.length) return `expected exactly ${fields.length} fields, found ${parts.length}: [${parts.join(' ')}]`;
  for (const [i, part] of parts.entries()) {
    for (const range of part.split(',')) {
      const fault = rangeFault(range, fields[i]!);
      if (fault) return fault;
    }
  }
  return undefined;
}

function wordFault(spec: string): string | undefined {
  if (words.has(spec)) return undefined;
  const every = /^@every (.+)$/.exec(spec)?.[1];
  if (every === undefined) return `unrecognized descriptor: ${spec}`;
  return /^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(every) ? undefined : `failed to parse duration ${spec}: time: invalid duration ${JSON.stringify(every)}`;
}

function rangeFault(range: string, { min, max, names = {} }: Field): string | undefined {
  const steps = range.split('/');
  const bounds = steps[0]!.split('-');
  if (steps.length > 2) return `too many slashes: ${range}`;
  if (bounds.length > 2) return `too many hyphens: ${range}`;
  let from = min;
  let to = max;
  if (bounds[0] !== '*' && bounds[0] !== '?') {
    const numbers = bounds.map((text) => names[text.toLowerCase()] ?? (/^\d+$/.test(text) ? Number(text) : Number.NaN));
    const wrong = numbers.findIndex(Number.isNaN);
    if (wrong >= 0) return `failed to parse int from ${bounds[wrong]}: strconv.Atoi: parsing ${JSON.stringify(bounds[wrong])}: invalid syntax`;
    from = numbers[0]!;
    to = numbers[1] ?? (steps.length === 2 ? max : from);
  }
  const step = steps[1] ?? '1';
  if (!/^\d+$/.test(step)) return `failed to parse int from ${step}: strconv.Atoi: parsing ${JSON.stringify(step)}: invalid syntax`;
  if (from < min) return `beginning of range (${from}) below minimum (${min}): ${range}`;
  if (to > max) return `end of range (${to}) above maximum (${max}): ${range}`;
  if (from > to) return `beginning of range (${from}) beyond end of range (${to}): ${range}`;
  return Number(step) === 0 ? `step of range should be a positive number: ${range}` : undefined;
}
