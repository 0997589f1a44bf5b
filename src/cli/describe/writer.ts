/** Written by `kubectl apply` for itself; never shown. */
const HIDDEN_ANNOTATIONS = ['kubectl.kubernetes.io/last-applied-configuration'];

/** Longer annotations are cut here. */
const MAX_ANNOTATION = 140;

/**
 * Text of `kubectl describe`: nested `Key:  value` lines whose values line up in each block, as kubectl's tab writer does it.
 * A tab in a line parts cells; neighbouring lines that have a cell in the same column share its width.
 */
export class DescribeWriter {
  readonly #lines: string[] = [];

  /** A line (or several) at `level` (two blanks each, before the first only); tabs part cells. */
  line(level: number, text: string): void {
    this.#lines.push(...('  '.repeat(level) + text).split('\n'));
  }

  field(level: number, name: string, value: string | number | boolean): void {
    this.line(level, `${name}:\t${value}`);
  }

  /** The value, `none` where it is absent or empty. */
  optional(level: number, name: string, value: string | number | boolean | undefined, none = '<none>'): void {
    this.field(level, name, value === undefined || value === '' ? none : value);
  }

  /** The field only where there is a value. */
  present(level: number, name: string, value: string | number | boolean | undefined): void {
    if (value !== undefined && value !== '') this.field(level, name, value);
  }

  /** `Labels:  a=1\n         b=2`, `<none>` when empty. */
  map(level: number, name: string, entries: Readonly<Record<string, string>> | undefined): void {
    this.lines(level, name, Object.entries(entries ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`));
  }

  /** `Used By:  a\n          b`, `<none>` when empty. */
  lines(level: number, name: string, values: readonly string[]): void {
    if (values.length === 0) return this.field(level, name, '<none>');
    values.forEach((value, i) => this.line(level, `${i === 0 ? `${name}:` : ''}\t${value}`));
  }

  /** Annotations that people wrote: long ones cut, those of several lines below their key. */
  annotations(level: number, name: string, entries: Readonly<Record<string, string>> | undefined): void {
    const lines: string[] = [];
    for (const [key, text] of Object.entries(entries ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      if (HIDDEN_ANNOTATIONS.includes(key)) continue;
      const value = text.replace(/\n$/, '');
      if (value.length + key.length + 2 <= MAX_ANNOTATION && !value.includes('\n')) {
        lines.push(`${key}: ${value}`);
        continue;
      }
      lines.push(`${key}:`);
      for (const part of value.split('\n')) lines.push(`  ${part.length > MAX_ANNOTATION - 2 ? `${part.slice(0, MAX_ANNOTATION - 2)}...` : part}`);
    }
    this.lines(level, name, lines);
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
        for (let j = i; j < end; j++) out[j] += rows[j]![column]! + ' '.repeat(width - [...rows[j]![column]!].length);
        format(i, end, column + 1);
        i = end;
      }
    };
    format(0, rows.length, 0);
    return out.length === 0 ? '' : `${out.join('\n')}\n`;
  }
}
