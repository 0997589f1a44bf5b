/** The file does not have the form that environment files must have. */
export class EnvFileError extends Error {
  override readonly name = 'EnvFileError';
}

/**
 * The value of `key` in a file of lines `KEY='value'`, whose values may span lines; undefined where it has none. Rejects with an EnvFileError what a
 * shell would take for something else. Upstream: kubelet/util/env ParseEnv, the same rules.
 */
export function envFileValue(text: string, key: string): string | undefined {
  const lines = text.split(/\r?\n/);
  const fault = (at: number, what: string): never => {
    throw new EnvFileError(`invalid environment variable format at line ${at + 1}: ${what}`);
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!.replace(/^[ \t]+/, '');
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    if (equals < 0) fault(at, "missing '='");
    const name = line.slice(0, equals);
    if (name.trimEnd() === '') fault(at, 'empty variable name');
    if (name.trimEnd() !== name) fault(at, "whitespace before '=' is not allowed");
    let rest = line.slice(equals + 1);
    // As in a shell: `KEY= 'value'` leaves KEY empty.
    if (/^[ \t]/.test(rest)) {
      if (name === key) return undefined;
      continue;
    }
    if (!rest.startsWith("'")) fault(at, 'value must be enclosed in single quotes');
    rest = rest.slice(1);
    const begun = at;
    const parts: string[] = [];
    for (let end = rest.indexOf("'"); ; end = rest.indexOf("'")) {
      if (end >= 0) {
        parts.push(rest.slice(0, end));
        const after = rest.slice(end + 1).replace(/^[ \t]+/, '');
        if (after !== '' && !after.startsWith('#')) fault(at, 'unexpected content after closing quote');
        break;
      }
      parts.push(rest);
      if (++at >= lines.length) throw new EnvFileError(`invalid environment variable format starting at line ${begun + 1}: unclosed single quote`);
      rest = lines[at]!;
    }
    if (name === key) return parts.join('\n') || undefined;
  }
  return undefined;
}
