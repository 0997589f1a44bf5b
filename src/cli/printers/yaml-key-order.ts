const isDigit = (c: string | undefined): boolean => c !== undefined && /\p{Nd}/u.test(c);
const isLetter = (c: string): boolean => /\p{L}/u.test(c);

/** go-yaml's order of keys: numbers within them by their amount (`a2` before `a10`), other signs before letters. Upstream: go-yaml v2, sorter.go. */
export function compareKeys(left: string, right: string): number {
  const [a, b] = [[...left], [...right]];
  let digits = false;
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    if (x === y) {
      digits = isDigit(x);
      continue;
    }
    const before = (yes: boolean): number => (yes ? -1 : 1);
    const [xl, yl] = [isLetter(x), isLetter(y)];
    if (xl && yl) return before(x < y);
    if (xl || yl) return before(digits ? xl : yl);
    // Equal digits before a zero count too, unless they are zeros themselves.
    let start = 0;
    if (x === '0' || y === '0') for (let j = i - 1; j >= 0 && isDigit(a[j]); j--) if (a[j] !== '0') start = 1;
    const amount = (letters: readonly string[]): { value: number; end: number } => {
      let value = start;
      let end = i;
      for (; isDigit(letters[end]); end++) value = value * 10 + Number(letters[end]);
      return { value, end };
    };
    const [m, n] = [amount(a), amount(b)];
    if (m.value !== n.value) return before(m.value < n.value);
    if (m.end !== n.end) return before(m.end < n.end);
    return before(x < y);
  }
  return a.length - b.length;
}
