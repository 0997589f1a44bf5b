/** As what HAProxy takes for a format. */
export function format(text: string): string {
  return text.replaceAll('%', '%%');
}

/** Within single quotes nothing means anything; a quote itself stands outside of them. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
