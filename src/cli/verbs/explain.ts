import { isReason } from '../../api/errors.ts';
import { SchemaExplainer, type OpenApiSchemas } from '../explain-schema.ts';
import type { FlagSpecs } from '../flags.ts';
import { KubectlError, type Verb } from '../verb.ts';

const flags = {
  recursive: { type: 'bool', usage: 'When true, print the name of all the fields recursively.' },
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
    // A word with a dot may also begin with a group of custom resources that use a built-in name.
    const mapper = await (parts.length === 1 ? session.mapper((builtIn) => builtIn.find(parts[0]!)) : session.discovered());
    // `deployments.apps.spec`: as much of it as names a resource is the resource.
    let taken = parts.length;
    while (taken > 1 && !mapper.find(parts.slice(0, taken).join('.'))) taken--;
    const found = mapper.find(parts.slice(0, taken).join('.'));
    if (!found) throw new KubectlError(`the server doesn't have a resource type "${parts[0]}"`, { bare: true });
    const wanted = given.string('api-version');
    const [group, version] = wanted ? (wanted.includes('/') ? wanted.split('/') as [string, string] : ['', wanted]) : [found.group, found.version];
    let schemas: OpenApiSchemas;
    try {
      schemas = (await session.json<{ readonly components: { readonly schemas: OpenApiSchemas } }>(`/openapi/v3/${group ? `apis/${group}` : 'api'}/${version}`)).components.schemas;
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      throw new KubectlError(`couldn't find resource for "${group}/${version}, Resource=${found.resource}"`);
    }
    const schema = Object.values(schemas).find((one) => one['x-kubernetes-group-version-kind']?.some((gvk) => gvk.group === group && gvk.version === version && gvk.kind === found.kind));
    if (!schema) throw new KubectlError(`couldn't find resource for "${group}/${version}, Kind=${found.kind}"`);
    io.out(`${group ? `GROUP:      ${group}\n` : ''}KIND:       ${found.kind}\nVERSION:    ${version}\n\n`);
    io.out(new SchemaExplainer(schemas).explain(schema, parts.slice(taken), given.bool('recursive')));
  },
};
