/** Indexes of an indexed job: sorted, none twice. As text `0,2-5,7,8`, which is how the status holds them. */
export function parseIndexes(text: string | undefined, completions = Infinity): number[] {
  if (!text) return [];
  const indexes: number[] = [];
  for (const part of text.split(',')) {
    const [first, last = first] = part.split('-').map(Number) as [number, number?];
    for (let index = first; index <= last && index < completions; index++) indexes.push(index);
  }
  return indexes;
}

/** Two neighbours are written one by one, three and more as a range. Upstream: job/indexed_job_utils.go. */
export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...new Set(indexes)].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let at = 0; at < sorted.length;) {
    let end = at;
    while (sorted[end + 1] === sorted[end]! + 1) end++;
    parts.push(end === at ? String(sorted[at]) : `${sorted[at]}${end === at + 1 ? ',' : '-'}${sorted[end]}`);
    at = end + 1;
  }
  return parts.join(',');
}
