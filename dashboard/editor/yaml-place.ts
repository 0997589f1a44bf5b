/** Where in a YAML document somebody is typing, told from the lines above alone: the text is mostly unfinished while one types. */
export interface Place {
  readonly apiVersion: string;
  readonly kind: string;
  /** Of the mapping that the line belongs to. */
  readonly path: readonly (string | number)[];
  /** The key of the line, where the cursor stands in its value. */
  readonly key?: string;
  /** What is typed of the key or value so far. */
  readonly typed: string;
  /** Keys that the mapping has already. */
  readonly present: readonly string[];
}

const LINE = /^(\s*)((?:- +)*)(-?$|[^\s#:'"][^:]*?|"[^"]*"|'[^']*')?(:(?:\s+(.*))?)?$/;

interface Line {
  /** Columns before the key: dashes count, for what stands after them is deeper. */
  readonly indent: number;
  readonly dashes: readonly number[];
  readonly key: string | undefined;
}

function read(text: string): Line | undefined {
  if (/^\s*(#|$)/.test(text)) return undefined;
  const [, spaces = '', dashes = '', key = '', colon] = LINE.exec(text) ?? [];
  const columns = [...dashes].flatMap((char, i) => (char === '-' ? [spaces.length + i] : []));
  if (/^\s*-\s*$/.test(text)) return { indent: spaces.length + 2, dashes: [spaces.length], key: undefined };
  return { indent: spaces.length + dashes.length, dashes: columns, key: colon === undefined ? undefined : key.replace(/^["']|["']$/g, '') };
}

/** `lines` are all of the text; `row` counts from 0, `column` is where the cursor stands. */
export function placeIn(lines: readonly string[], row: number, column: number): Place | undefined {
  const before = (lines[row] ?? '').slice(0, column);
  if (/^\s*#/.test(before)) return undefined;
  let first = row;
  while (first > 0 && lines[first] !== '---') first--;
  let last = row;
  while (last + 1 < lines.length && lines[last + 1] !== '---') last++;
  const top = (name: string): string =>
    lines
      .slice(first, last + 1)
      .map((line) => new RegExp(`^${name}:\\s*["']?([^"'\\s#]+)`).exec(line)?.[1])
      .find((value) => value !== undefined) ?? '';
  const [, spaces, dashes, rest] = /^(\s*)((?:- +)*)(.*)$/.exec(before)! as unknown as [string, string, string, string];
  const value = /^([^\s:][^:]*):\s+(.*)$/.exec(rest);
  const indent = spaces.length + dashes.length;
  const own = [...dashes].flatMap((char, i) => (char === '-' ? [spaces.length + i] : []));
  const path = pathTo(lines, first, row, indent, own);
  const present = siblings(lines, first, last, row, indent, own.length > 0);
  return {
    apiVersion: top('apiVersion'),
    kind: top('kind'),
    path,
    ...(value ? { key: value[1]!, typed: value[2]! } : { typed: rest }),
    present,
  };
}

function pathTo(lines: readonly string[], first: number, row: number, indent: number, dashes: readonly number[]): (string | number)[] {
  const path: (string | number)[] = [];
  let edge = indent;
  const outward = (columns: readonly number[]): void => {
    for (const column of [...columns].reverse()) {
      if (column >= edge) continue;
      path.unshift(0);
      edge = column;
    }
  };
  outward(dashes);
  for (let i = row - 1; i >= first && edge > 0; i--) {
    const line = read(lines[i]!);
    if (!line) continue;
    const isItem = path[0] === 0 && line.indent === edge && line.dashes.length === 0;
    // A list may stand as far to the left as the key that it belongs to.
    if (line.key !== undefined && (line.indent < edge || isItem)) {
      path.unshift(line.key);
      edge = line.indent;
      outward(line.dashes);
    } else if (line.dashes.some((column) => column < edge) && line.indent === edge) outward(line.dashes);
  }
  if (edge === 0 && path[0] === 0) {
    for (let i = row - 1; i >= first; i--) {
      const line = read(lines[i]!);
      if (line?.key !== undefined && line.indent === 0 && line.dashes.length === 0) {
        path.unshift(line.key);
        break;
      }
    }
  }
  return path;
}

function siblings(lines: readonly string[], first: number, last: number, row: number, indent: number, startsItem: boolean): string[] {
  const found: string[] = [];
  const collect = (from: number, step: 1 | -1): void => {
    for (let i = from; i >= first && i <= last; i += step) {
      const line = read(lines[i]!);
      if (!line) continue;
      const begins = line.dashes.length > 0;
      if (line.indent < indent || (step === 1 && begins && line.indent === indent)) return;
      if (line.indent === indent && line.key !== undefined) found.push(line.key);
      if (step === -1 && begins && line.indent === indent) return;
    }
  };
  if (!startsItem) collect(row - 1, -1);
  collect(row + 1, 1);
  return found;
}
