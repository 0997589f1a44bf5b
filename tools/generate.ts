// Writes src/api/generated/: one TypeScript module of types for each group version of the field table, and
// resources.ts with one typed token for each served resource (and, by generate-descriptions.ts, descriptions.ts). Run by the bootstrap; the output is
// never committed.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

interface Field { t?: string; req?: boolean; omit?: boolean }
type Fields = Record<string, Field | string>;
interface Table { kinds: Record<string, { resource?: boolean; namespaced?: boolean }>; enums: Record<string, string[]>; types: Record<string, Fields> }
interface ServedResource { group: string; version: string; resource: string; kind: string; namespaced: boolean; type: string }

const root = new URL('..', import.meta.url);
const table: Table = JSON.parse(readFileSync(new URL('src/api/schema/fields.json', root), 'utf8'));
const served: ServedResource[] = JSON.parse(readFileSync(new URL('src/api/schema/resources.json', root), 'utf8'));
const out = new URL('src/api/generated/', root);

const scalars: Record<string, string> = {
  string: 'string', bool: 'boolean', int32: 'number', int64: 'number', double: 'number', bytes: 'string',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'string', 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'string',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Duration': 'string', 'time.Duration': 'number',
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'string', 'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'number | string',
  'io.k8s.apimachinery.pkg.runtime.RawExtension': 'unknown', 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'Readonly<Record<string, unknown>>',
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON': 'unknown', 'io.k8s.apimachinery.pkg.apis.meta.v1.interface{}': 'unknown',
};

/** `io.k8s.api.apps.v1.Deployment` → module `apps-v1`, name `Deployment`. */
function split(type: string): { module: string; name: string } {
  const parts = type.split('.');
  const name = parts.pop()!;
  return { module: parts.slice(-2).join('-'), name };
}

const modules = new Map<string, { lines: string[]; imports: Set<string> }>();
function moduleOf(name: string): { lines: string[]; imports: Set<string> } {
  let found = modules.get(name);
  if (!found) modules.set(name, (found = { lines: [], imports: new Set() }));
  return found;
}
const alias = (module: string): string => module.replace(/-(\w)/g, (_, c: string) => c.toUpperCase());

function tsType(t: string, from: string): string {
  if (t.endsWith('[]')) return `readonly (${tsType(t.slice(0, -2), from)})[]`;
  const map = /^map<(.*)>$/.exec(t);
  if (map) return `Readonly<Record<string, ${tsType(map[1]!, from)}>>`;
  const base = t.split('#')[0]!;
  if (scalars[base]) return scalars[base];
  if (!table.types[base]) return 'Readonly<Record<string, unknown>>';
  const { module, name } = split(base);
  if (module === from) return name;
  moduleOf(from).imports.add(module);
  return `${alias(module)}.${name}`;
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
for (const [type, fields] of Object.entries(table.types)) {
  const { module, name } = split(type);
  if (!/^\w+$/.test(name)) continue;
  const kind = table.kinds[type];
  const bases: string[] = [];
  const lines: string[] = [];
  for (const [field, info] of Object.entries(fields)) {
    if (field.startsWith('<inline>')) {
      const inlined = field.slice('<inline> '.length);
      if (inlined === META + 'TypeMeta') lines.push('  readonly apiVersion: string;', '  readonly kind: string;');
      else bases.push(tsType(inlined, module));
      continue;
    }
    if (typeof info === 'string' || !info.t) continue;
    const key = /^[A-Za-z_$][\w$]*$/.test(field) ? field : JSON.stringify(field);
    if (kind && info.t === META + 'ObjectMeta') {
      const meta = kind.namespaced === false ? 'ClusterMeta' : 'NamespacedMeta';
      lines.push(`  readonly metadata: ${meta};`);
      moduleOf(module).imports.add(`object-meta ${meta}`);
      continue;
    }
    // Defaulting fills the spec of every stored object, so that readers need not ask.
    const present = info.req || (kind && (field === 'spec' || field === 'items'));
    lines.push(`  readonly ${key}${present ? '' : '?'}: ${tsType(info.t, module)};`);
  }
  const extend = bases.length ? ` extends ${bases.join(', ')}` : '';
  moduleOf(module).lines.push(`export interface ${name}${extend} {`, ...lines, '}');
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
for (const [name, { lines, imports }] of modules) {
  const head = [...imports].sort().map((m) =>
    m.startsWith('object-meta ') ? `import type { ${m.slice('object-meta '.length)} } from '../object.ts';` : `import type * as ${alias(m)} from './${m}.ts';`);
  writeFileSync(new URL(`${name}.ts`, out), ['// Generated from the field table by tools/generate.ts.', ...head, ...lines, ''].join('\n'));
}

/** `replicasets` of kind `ReplicaSet` → `replicaSets`. A kind served by several groups or versions takes a suffix but for the first. */
function tokenName(r: ServedResource): string {
  const lower = r.kind.toLowerCase();
  let i = 0;
  while (i < lower.length && lower[i] === r.resource[i]) i++;
  const plural = r.kind.slice(0, i) + r.resource.slice(i);
  return plural.replace(/^([A-Z]+(?=[A-Z][a-z])|[A-Z])/, (head) => head.toLowerCase());
}
const preferred = [...served].sort((a, b) => Number(a.group === 'events.k8s.io') - Number(b.group === 'events.k8s.io'));
const names = new Set<string>();
const tokens: string[] = [];
const imports = new Set<string>();
for (const r of preferred) {
  let name = tokenName(r);
  if (names.has(name)) name += r.group.split('.')[0]!.replace(/^\w/, (c) => c.toUpperCase()) + r.version.toUpperCase();
  names.add(name);
  const { module, name: typeName } = split(r.type);
  imports.add(module);
  tokens.push(`export const ${name}: ResourceType<${alias(module)}.${typeName}> = { group: '${r.group}', version: '${r.version}', resource: '${r.resource}', kind: '${r.kind}', namespaced: ${r.namespaced} };`);
}
writeFileSync(new URL('resources.ts', out), [
  '// Generated from the resource table by tools/generate.ts: one typed token for each served resource.',
  "import type { ResourceType } from '../object.ts';",
  ...[...imports].sort().map((m) => `import type * as ${alias(m)} from './${m}.ts';`),
  ...tokens, ''].join('\n'));
await import('./generate-descriptions.ts');
