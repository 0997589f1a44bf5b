import { customListSchema, customSchema } from './custom-schema.ts';
import type { Descriptions } from './descriptions.ts';
import { listSchemaName, schemaName, type DocumentedResource } from './documented-resource.ts';
import { groupWord, pathsOf, tagOf, type Operation, type Parameter, type Path } from './operations.ts';
import { PATCH, reference, SchemaCollector, type Dialect, type Json } from './type-schema.ts';

const produces = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const watchProduces = [...produces, 'application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];
const patchConsumes = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml'];
const customPatchConsumes = patchConsumes.filter((type) => !type.includes('strategic'));
const answerTexts: Readonly<Record<string, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted', 401: 'Unauthorized' };
const security = { BearerToken: { description: 'Bearer Token authentication', in: 'header', name: 'authorization', type: 'apiKey' } };
const PROTECTED = [{ BearerToken: [] }];

/** The document of one group version: OpenAPI v3. Upstream: kube-openapi pkg/builder3. */
export function documentV3(resources: readonly DocumentedResource[], descriptions: Descriptions): Json {
  const [{ group, version }] = resources as [DocumentedResource];
  const collector = collect(resources, 'v3', [{ group, version }], descriptions);
  const paths = pathItems(resources, 'v3');
  const base = group ? `/apis/${group}/${version}/` : `/api/${version}/`;
  paths[base] = { get: render(discoveryOperation(group, version), 'v3', true) };
  return {
    components: { schemas: sorted(collector.schemas), securitySchemes: security },
    info: { title: 'Kubernetes', version: 'unversioned' },
    openapi: '3.0.0',
    paths: sorted(paths),
    security: PROTECTED,
  };
}

/** The one document of everything: OpenAPI v2. Upstream: kube-openapi pkg/builder. */
export function documentV2(resources: readonly DocumentedResource[], serverVersion: string, descriptions: Descriptions): Json {
  const groupVersions = [...new Map(resources.map((r) => [`${r.group}/${r.version}`, { group: r.group, version: r.version }])).values()];
  const collector = collect(resources, 'v2', groupVersions, descriptions);
  return {
    definitions: sorted(collector.schemas),
    info: { title: 'Kubernetes', version: serverVersion },
    paths: sorted(pathItems(resources, 'v2')),
    security: PROTECTED,
    securityDefinitions: security,
    swagger: '2.0',
  };
}

function collect(resources: readonly DocumentedResource[], dialect: Dialect, groupVersions: readonly { readonly group: string; readonly version: string }[], descriptions: Descriptions): SchemaCollector {
  const collector = new SchemaCollector(dialect, groupVersions, descriptions);
  collector.add('io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList');
  for (const resource of resources) {
    if (!resource.type) {
      const item = collector.addCustom(schemaName(resource), customSchema(resource, dialect, descriptions));
      collector.addCustom(listSchemaName(resource), customListSchema(resource, item, dialect));
      collector.add('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');
      collector.add('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta');
    }
    for (const { operations } of pathsOf(resource)) {
      for (const { body, answers } of operations) {
        for (const name of [body === 'patch' ? PATCH : body, ...Object.values(answers)]) {
          if (name && name !== 'text' && !collector.schemas[name]) collector.add(name);
        }
      }
    }
  }
  return collector;
}

function pathItems(resources: readonly DocumentedResource[], dialect: Dialect): Record<string, Json> {
  const items: Record<string, Json> = {};
  for (const resource of resources) {
    for (const path of pathsOf(resource)) items[path.path] = pathItem(path, dialect, resource.type !== undefined);
  }
  return items;
}

function pathItem({ parameters, operations }: Path, dialect: Dialect, builtIn: boolean): Json {
  return { ...(parameters.length && { parameters: parameters.map((p) => parameterJson(p, dialect)) }), ...Object.fromEntries(operations.map((operation) => [operation.method, render(operation, dialect, builtIn)])) };
}

function parameterJson({ name, in: place, type }: Parameter, dialect: Dialect): Json {
  const head = { description: parameterTexts[name] ?? name, in: place, name, ...(place === 'path' && { required: true }) };
  return dialect === 'v2' ? { ...head, type, uniqueItems: true } : { ...head, schema: { type, uniqueItems: true } };
}

/** In our own words. */
const parameterTexts: Readonly<Record<string, string>> = {
  allowWatchBookmarks: 'Ask for BOOKMARK events, which tell how far the watch has come.',
  continue: 'Token of the next page, from the metadata of the last one.',
  dryRun: "'All' runs everything but storing the result.",
  fieldManager: 'Name of the program or person that makes the change, for the management of fields.',
  fieldSelector: 'Only objects whose fields match.',
  fieldValidation: "What to do about unknown and duplicate fields: 'Ignore', 'Warn' or 'Strict'.",
  force: 'Take over fields that other managers own. For apply patches only.',
  gracePeriodSeconds: 'How long the object may take to end; 0 deletes at once.',
  labelSelector: 'Only objects whose labels match.',
  limit: 'At most so many objects a page.',
  name: 'Name of the object.',
  namespace: 'Namespace of the object.',
  orphanDependents: 'Deprecated: see propagationPolicy.',
  pretty: "'true' indents the answer.",
  propagationPolicy: "What becomes of dependents: 'Orphan', 'Background' or 'Foreground'.",
  resourceVersion: 'From which version on to read.',
  resourceVersionMatch: 'How resourceVersion is meant for lists.',
  sendInitialEvents: 'Begin a watch with the objects that there are.',
  timeoutSeconds: 'When the server ends the call.',
  watch: 'Answer a stream of changes instead of a list.',
};

function discoveryOperation(group: string, version: string): Operation {
  const id = `get${groupWord(group)}${version.charAt(0).toUpperCase()}${version.slice(1)}APIResources`;
  return { method: 'get', id, action: '', tag: tagOf(group, version), group, version, kind: '', query: [], answers: { 200: 'io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList' } };
}

function render(operation: Operation, dialect: Dialect, builtIn: boolean): Json {
  const { action, group, version, kind, id, query, body, bodyRequired } = operation;
  const consumes = body === 'patch' ? (builtIn ? patchConsumes : customPatchConsumes) : ['*/*'];
  const bodySchema = body && reference(body === 'patch' ? PATCH : body, dialect);
  const media = action === 'list' || action === 'watch' || action === 'watchlist' ? watchProduces : produces;
  const content = (types: readonly string[], schema: Json): Json => ({ content: Object.fromEntries(types.map((type) => [type, { schema }])) });
  const responses: Json = {};
  for (const [code, name] of [...Object.entries(operation.answers), ['401', undefined]] as [string, string | undefined][]) {
    const description = answerTexts[code]!;
    if (name === 'text') responses[code] = dialect === 'v2' ? { description, schema: { type: 'string' } } : { description, ...content(['*/*'], { type: 'string' }) };
    else if (name) responses[code] = dialect === 'v2' ? { description, schema: reference(name, dialect) } : { description, ...content(media, reference(name, dialect)) };
    else responses[code] = { description };
  }
  const parameters = query.map((p) => parameterJson(p, dialect));
  if (dialect === 'v2' && bodySchema) parameters.unshift({ in: 'body', name: 'body', ...(bodyRequired && { required: true }), schema: bodySchema });
  return {
    description: action ? `${action} ${kind}` : 'get available resources',
    operationId: id,
    ...(parameters.length && { parameters }),
    ...(dialect === 'v2' && { consumes, produces: operation.answers['200'] === 'text' ? ['*/*'] : media, schemes: ['https'] }),
    ...(dialect === 'v3' && bodySchema && { requestBody: { ...content(consumes, bodySchema), ...(bodyRequired && { required: true }) } }),
    responses,
    tags: [operation.tag],
    ...(action && { 'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': { group, kind, version } }),
  };
}

const sorted = (object: Record<string, Json>): Json => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
