/**
 * Mutating policies write the objects they make as messages, `Object{spec: Object.spec{replicas: 3}}` and `JSONPatch{op: "add", path: "/x"}`;
 * the engine knows maps. The source with each such literal as the map it stands for: `{"spec": {"replicas": 3}}`.
 */
export function withMapsForMessages(source: string): string {
  const opened: ('message' | 'other')[] = [];
  let out = '';
  let last = '';
  for (const [token] of source.matchAll(TOKENS)) {
    if (/^\s/.test(token)) {
      out += token;
      continue;
    }
    const message = MESSAGE.exec(token);
    const key = KEY.exec(token);
    if (message) {
      opened.push('message');
      out += '{';
      last = '{';
      continue;
    }
    if (key && opened.at(-1) === 'message' && (last === '{' || last === ',')) out += `${JSON.stringify(key[1])}${key[2]}`;
    else out += token;
    if (/^[{[(]$/.test(token)) opened.push('other');
    else if (/^[}\])]$/.test(token)) opened.pop();
    last = token;
  }
  return out;
}

/** In this order: string literals, message heads, `name :`, names with their members, space, anything else. */
const TOKENS = /[rb]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?:Object(?:\s*\.\s*\w+)*|JSONPatch)\s*\{|[A-Za-z_]\w*\s*:|[A-Za-z_]\w*|\s+|[\s\S]/g;
const MESSAGE = /^(?:Object(?:\s*\.\s*\w+)*|JSONPatch)\s*\{$/;
const KEY = /^([A-Za-z_]\w*)(\s*:)$/;
