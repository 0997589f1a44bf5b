/**
 * Text of `kubectl describe`: nested `Key:  value` lines whose values line up in each block, as kubectl's tab writer does it.
 * A tab in a line parts cells; lines with the same number of leading blanks and neighbours with as many tabs share their widths.
 */
export class DescribeWriter {
  readonly #lines: string[] = [];

  /** A line at `level` (two blanks each); tabs part cells. */
  line(level: number, text: string): void {
    this.#lines.push('  '.repeat(level) + text);
  }

  field(level: number, name: string, value: string): void {
    this.line(level, `${name}:\t${value}`);
  }

  /** `Labels:  a=1\n         b=2`, `<none>` when empty. */
  map(level: number, name: string, entries: Readonly<Record<string, string>> | undefined, separator = '='): void {
    const pairs = Object.entries(entries ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}${separator}${value}`);
    if (pairs.length === 0) return this.field(level, name, '<none>');
    pairs.forEach((pair, i) => this.line(level, `${i === 0 ? `${name}:` : ''}\t${pair}`));
  }

  /** Go's text/tabwriter with padding 2: a column is as wide as its widest cell among consecutive lines that have the column. */
  toString(): string {
    const rows = this.#lines.map((line) => line.split('\t'));
    const out: string[] = rows.map(() => '');
    const format = (from: number, to: number, column: number): void => {
      let i = from;
      while (i < to) {
        if (rows[i]!.length - 1 <= column) {
          out[i] += rows[i]![column] ?? '';
          i++;
          continue;
        }
        let end = i;
        while (end < to && rows[end]!.length - 1 > column) end++;
        const width = Math.max(...rows.slice(i, end).map((row) => [...row[column]!].length)) + 2;
        for (let j = i; j < end; j++) out[j] += rows[j]![column]!.padEnd(width);
        format(i, end, column + 1);
        i = end;
      }
    };
    format(0, rows.length, 0);
    return `${out.join('\n')}\n`;
  }
}
