// Writes src/api/generated/descriptions.ts: what Kubernetes says of its types and fields, for OpenAPI and `kubectl explain`. The texts are Kubernetes' own
// (Apache-2.0), taken from the doc comments of the npm package kubernetes-models (v1.36). Run by tools/generate.ts; the output is never committed.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

const root = new URL('..', import.meta.url);
const packages: readonly (readonly [directory: string, typeName: (directory: string) => string | undefined])[] = [
  ['node_modules/kubernetes-models/', apiPackage],
  ['node_modules/@kubernetes-models/apimachinery/', (directory) => `io.k8s.apimachinery.pkg.${directory.replaceAll('/', '.')}.`],
];

/** `rbac.authorization.k8s.io/v1` → `io.k8s.api.rbac.v1.`; the core group stands at the root. */
function apiPackage(directory: string): string | undefined {
  const [group, version] = directory.includes('/') ? directory.split('/') : ['core', directory];
  if (!/^v\d/.test(version!)) return undefined;
  if (group === 'apiextensions.k8s.io') return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}.`;
  if (group === 'apiregistration.k8s.io') return `io.k8s.kube-aggregator.pkg.apis.apiregistration.${version}.`;
  return `io.k8s.api.${group!.split('.')[0]}.${version}.`;
}

const table = JSON.parse(readFileSync(new URL('src/api/schema/fields.json', root), 'utf8')) as { types: Record<string, Record<string, unknown>> };
const leaves = /\.(?:Time|MicroTime|Quantity|IntOrString|RawExtension|FieldsV1|Patch|JSON|JSONSchemaPropsOr\w+)$/;
const COMMENT = /\/\*\*((?:[^*]|\*(?!\/))*)\*\/\s*/;

/** The text of a doc comment; its paragraphs are apart by an empty line. */
function textOf(comment: string): string {
  return comment.split('\n').map((line) => line.replace(/^\s*\* ?/, '').trimEnd()).join('\n').trim().replaceAll('*\\/', '*/').replaceAll('\\*', '*').replace(/\n+@deprecated$/, '');
}

const descriptions: Record<string, [string, Record<string, string>]> = {};
for (const [directory, nameOf] of packages) {
  const base = new URL(directory, root);
  for (const file of readdirSync(base, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.d.ts') || file.startsWith('_schemas') || file.endsWith('index.d.ts') || !file.includes('/')) continue;
    const slash = file.lastIndexOf('/');
    const prefix = nameOf(file.slice(0, slash));
    const name = file.slice(slash + 1, -'.d.ts'.length);
    if (!prefix || (!table.types[prefix + name] && !leaves.test(`.${name}`))) continue;
    const source = readFileSync(new URL(file, base), 'utf8');
    const declaration = new RegExp(`(?:${COMMENT.source})?export (?:declare )?(?:interface|type) I?${name}\\b`).exec(source);
    if (!declaration) continue;
    const body = source.slice(declaration.index + declaration[0].length, source.indexOf('\n}', declaration.index));
    const fields: Record<string, string> = {};
    for (const [, comment, field] of body.matchAll(new RegExp(`^ {4}${COMMENT.source}"([^"]+)"\\??:`, 'gm'))) fields[field!] = textOf(comment!);
    descriptions[prefix + name] = [textOf(declaration[1] ?? ''), fields];
  }
}

// Every kind says the same of its type members; the models of stored kinds leave it out.
const typeMeta = descriptions['io.k8s.apimachinery.pkg.apis.meta.v1.Status']![1];
descriptions['io.k8s.apimachinery.pkg.apis.meta.v1.TypeMeta'] = ['', { apiVersion: typeMeta['apiVersion']!, kind: typeMeta['kind']! }];

const out = new URL('src/api/generated/', root);
mkdirSync(out, { recursive: true });
writeFileSync(new URL('descriptions.ts', out), [
  '// Generated from the doc comments of kubernetes-models by tools/generate-descriptions.ts.',
  '/** By type: its description and those of its fields. */',
  `export const descriptions: Readonly<Record<string, readonly [string, Readonly<Record<string, string>>]>> = JSON.parse(${JSON.stringify(JSON.stringify(descriptions))});`,
  '',
].join('\n'));
