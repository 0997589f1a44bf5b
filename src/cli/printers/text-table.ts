/**
 * Columns padded to their widest cell and parted by three blanks; the last column is not padded, as kubectl's tab writer does it.
 * `widths` is raised to what the rows need: pass the same array again, and rows that follow keep the columns of those before.
 */
export function textTable(rows: readonly (readonly string[])[], widths: number[] = []): string {
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, width(cell))));
  return rows.map((row) => `${row.map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat(widths[i]! - width(cell) + 3))).join('')}\n`).join('');
}

function width(text: string): number {
  return [...text].length;
}
