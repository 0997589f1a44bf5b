import { isReason } from '../../api/errors.ts';
import { apiVersionOf } from '../../api/object.ts';
import type { SwaggerDefinitions } from '../explain/explain-old-form.ts';
import { SchemaExplainer, type OpenApiSchemas } from '../explain/explain-schema.ts';
import type { FlagSpecs } from '../command/flags.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  recursive: { short: 'R', type: 'bool', usage: 'When true, print the name of all the fields recursively.' },
  'api-version': { type: 'string', usage: 'Use given api-version (group/version) of the resource.' },
  output: { short: 'o', type: 'string', default: 'plaintext', usage: 'Format in which to render the schema. Valid values are: (plaintext, plaintext-openapiv2).' },
} as const satisfies FlagSpecs;

/** Upstream: kubectl pkg/cmd/explain, pkg/explain/v2. */
export const verb: Verb = {
  usage: 'TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group] [-o|--output=plaintext|plaintext-openapiv2]',
  summary: 'Get documentation for a resource',
  flags,
  async run({ flags: given, args, session, io }) {
    if (args.length === 0) throw new KubectlError('You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.');
    if (args.length > 1) throw new KubectlError('We accept only this format: explain RESOURCE');
    if (!['plaintext', 'plaintext-openapiv2'].includes(given.string('output'))) throw new KubectlError(`unrecognized format: ${given.string('output')}`);
    const parts = args[0]!.replace(/\.$/, '').split('.');
    if (parts[0] === '') throw new KubectlError('a resource must be present, got: /, Resource=');
    if (parts.includes('')) throw new KubectlError('invalid jsonpath syntax, first node must be field node');
    // A word with a dot may also begin with a group of custom resources that use a built-in name.
    const mapper = await (parts.length === 1 ? session.mapper((builtIn) => builtIn.find(parts[0]!)) : session.discovered());
    // `deployments.apps.spec`: as much of it as names a resource is the resource.
    let taken = parts.length;
    while (taken > 1 && mapper.find(parts.slice(0, taken).join('.'))?.group !== parts.slice(1, taken).join('.')) taken--;
    const found = mapper.find(parts.slice(0, taken).join('.'));
    if (!found) throw new KubectlError(`the server doesn't have a resource type "${parts[0]}"`, { bare: true });
    const wanted = given.string('api-version');
    const [group, version] = wanted ? (wanted.includes('/') ? wanted.split('/') as [string, string] : ['', wanted]) : [found.group, found.version];
    if (given.string('output') === 'plaintext-openapiv2') {
      const [{ OldFormExplainer }, { definitions }] = await Promise.all([import('../explain/explain-old-form.ts'), session.json<{ readonly definitions: SwaggerDefinitions }>('/openapi/v2')]);
      const schema = Object.values(definitions).find(describes({ group, version, kind: found.kind }));
      if (!schema) throw new KubectlError(`couldn't find resource for "${group}/${version}, Kind=${found.kind}"`);
      io.out(new OldFormExplainer(definitions).explain(schema, { kind: found.kind, apiVersion: apiVersionOf({ group, version }), path: parts.slice(taken), recursive: given.bool('recursive') }));
      return;
    }
    let schemas: OpenApiSchemas;
    try {
      schemas = (await session.json<{ readonly components: { readonly schemas: OpenApiSchemas } }>(`/openapi/v3/${group ? `apis/${group}` : 'api'}/${version}`)).components.schemas;
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      throw new KubectlError(`couldn't find resource for "${group}/${version}, Resource=${found.resource}"`);
    }
    const schema = Object.values(schemas).find(describes({ group, version, kind: found.kind }));
    if (!schema) throw new KubectlError(`couldn't find resource for "${group}/${version}, Kind=${found.kind}"`);
    io.out(`${group ? `GROUP:      ${group}\n` : ''}KIND:       ${found.kind}\nVERSION:    ${version}\n\n`);
    io.out(new SchemaExplainer(schemas).explain(schema, parts.slice(taken), given.bool('recursive')));
  },
};

interface Described {
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly group: string; readonly version: string; readonly kind: string }[];
}

const describes = ({ group, version, kind }: { readonly group: string; readonly version: string; readonly kind: string }) => (schema: Described): boolean =>
  schema['x-kubernetes-group-version-kind']?.some((gvk) => gvk.group === group && gvk.version === version && gvk.kind === kind) ?? false;
