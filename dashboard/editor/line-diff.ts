export interface DiffLine {
  readonly sign: ' ' | '+' | '-';
  readonly text: string;
  /** In the old and the new text, from 1. */
  readonly before?: number;
  readonly after?: number;
}

/** Beyond so many cells of the table, changed parts are told as removed and added as a whole. */
const MOST_CELLS = 4_000_000;

/** All lines of both texts, with as few changes as can be. */
export function lineDiff(before: string, after: string): readonly DiffLine[] {
  const a = before === '' ? [] : before.replace(/\n$/, '').split('\n');
  const b = after === '' ? [] : after.replace(/\n$/, '').split('\n');
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const [n, m] = [a.length - start - end, b.length - start - end];
  const lines: DiffLine[] = [];
  const keep = (i: number, j: number): void => void lines.push({ sign: ' ', text: a[i]!, before: i + 1, after: j + 1 });
  for (let i = 0; i < start; i++) keep(i, i);
  // lengths[i][j]: the longest common part of what is left of both from i and j on.
  const width = m + 1;
  const lengths = n * m <= MOST_CELLS ? new Uint32Array((n + 1) * width) : undefined;
  if (lengths) {
    for (let i = n - 1; i >= 0; i--) {
      for (let j = m - 1; j >= 0; j--) {
        lengths[i * width + j] =
          a[start + i] === b[start + j]
            ? lengths[(i + 1) * width + j + 1]! + 1
            : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
      }
    }
  }
  let [i, j] = [0, 0];
  while (i < n || j < m) {
    if (lengths && i < n && j < m && a[start + i] === b[start + j]) keep(start + i++, start + j++);
    else if (i < n && (j >= m || !lengths || lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!))
      lines.push({ sign: '-', text: a[start + i]!, before: start + ++i });
    else lines.push({ sign: '+', text: b[start + j]!, after: start + ++j });
  }
  for (let k = 0; k < end; k++) keep(a.length - end + k, b.length - end + k);
  return lines;
}

/** Changed lines with so many around them; `null` stands for what is left out. */
export function hunksOf(lines: readonly DiffLine[], around = 3): readonly (DiffLine | null)[] {
  const near = new Set(
    lines.flatMap(({ sign }, i) => (sign === ' ' ? [] : Array.from({ length: around * 2 + 1 }, (_, k) => i - around + k))),
  );
  const shown: (DiffLine | null)[] = [];
  for (const [i, line] of lines.entries()) {
    if (near.has(i)) shown.push(line);
    else if (shown.at(-1) !== null && shown.length > 0) shown.push(null);
  }
  if (shown.at(-1) === null) shown.pop();
  return shown;
}
