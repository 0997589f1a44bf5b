export type Labels = Readonly<Record<string, string>>;

/** One family of metrics in Prometheus' text form. `rows` may have the time of the sample, in milliseconds since 1970. */
export function metricFamily(name: string, type: 'counter' | 'gauge', help: string, rows: Iterable<readonly [labels: Labels, value: number, atMs?: number]>): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
  for (const [labels, value, atMs] of rows) {
    const text = Object.entries(labels).map(([key, of]) => `${key}="${of.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))}"`).join(',');
    lines.push(`${name}${text ? `{${text}}` : ''} ${value}${atMs === undefined ? '' : ` ${atMs}`}`);
  }
  return `${lines.join('\n')}\n`;
}
