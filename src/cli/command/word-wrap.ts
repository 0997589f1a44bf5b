/** Breaks lines at blanks so that none is longer than `limit`, words longer than that apart. Blanks at a break are dropped, line feeds stay. */
export function wordWrap(text: string, limit: number): string {
  return text.split('\n').map((line) => wrapLine(line, limit)).join('\n');
}

function wrapLine(line: string, limit: number): string {
  let wrapped = '';
  let length = 0;
  for (const [, blanks = '', word = ''] of line.matchAll(/(\s*)(\S*)/gu)) {
    if (word === '' && blanks === '') continue;
    if (word !== '' && length + blanks.length + word.length > limit && word.length < limit) {
      wrapped += `\n${word}`;
      length = word.length;
    } else if (word !== '' && length + blanks.length + word.length > limit) {
      // Its first letters fit or not: upstream decides letter by letter, and breaks before the word unless it stands at a line's beginning.
      wrapped += length === 0 && blanks === '' ? word : `\n${word}`;
      length = word.length;
    } else if (word !== '' || length + blanks.length <= limit) {
      wrapped += blanks + word;
      length += blanks.length + word.length;
    }
  }
  return wrapped;
}
