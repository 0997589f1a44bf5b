import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Reader } from '../../base/grpc/wire.ts';
import { builtInResources } from '../../api/resources.ts';
import type { DocumentedResource } from './documented-resource.ts';
import { OpenApi } from './open-api.ts';

const parse = (document: { readonly bytes: Buffer } | undefined): any => JSON.parse(document!.bytes.toString());

/** Every `$ref` in a document. */
function references(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value !== 'object' || value === null) return found;
  for (const [key, inner] of Object.entries(value)) {
    if (key === '$ref' && typeof inner === 'string') found.add(inner);
    else references(inner, found);
  }
  return found;
}

const crontab: DocumentedResource = {
  group: 'stable.example.com', version: 'v1', resource: 'crontabs', kind: 'CronTab', namespaced: true, verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  schema: { type: 'object', properties: { spec: { type: 'object', properties: { port: { 'x-kubernetes-int-or-string': true, description: 'where' }, any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: {} } } } } } },
};

describe('OpenAPI', () => {
  const api = new OpenApi(() => builtInResources, 'v1.36.0');

  it('refers to nothing that is not there', async () => {
    for (const path of Object.keys(parse(await api.index()).paths)) {
      const document = parse(await api.group(path)!);
      for (const reference of references(document)) expect(document.components.schemas, reference).toHaveProperty([reference.slice('#/components/schemas/'.length)]);
    }
    const v2 = parse(await api.v2());
    for (const reference of references(v2)) expect(v2.definitions, reference).toHaveProperty([reference.slice('#/definitions/'.length)]);
  });

  it('gives every operation an id of its own', async () => {
    const ids = Object.values<Record<string, any>>(parse(await api.v2()).paths).flatMap((item) => Object.values(item).flatMap((operation) => operation.operationId ?? []));
    expect(ids.length).toBeGreaterThan(500);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  });

  it('tells kubectl that a kind takes field validation', async () => {
    const patch = parse(await api.group('apis/apps/v1')!).paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'].patch;
    expect(patch['x-kubernetes-group-version-kind']).toEqual({ group: 'apps', version: 'v1', kind: 'Deployment' });
    expect(patch.parameters.map((p: { name: string }) => p.name)).toEqual(['dryRun', 'fieldManager', 'fieldValidation', 'force']);
  });

  it('publishes how things merge, and what is required', async () => {
    const { schemas } = parse(await api.group('apis/apps/v1')!).components;
    expect(schemas['io.k8s.api.core.v1.Container'].properties.ports).toMatchObject({
      type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['containerPort', 'protocol'], 'x-kubernetes-patch-merge-key': 'containerPort', 'x-kubernetes-patch-strategy': 'merge',
    });
    expect(schemas['io.k8s.api.apps.v1.DeploymentSpec'].properties.replicas.description).toContain('Number of desired pods');
    expect(schemas['io.k8s.api.apps.v1.DeploymentSpec'].required).toEqual(['selector', 'template']);
    expect(schemas['io.k8s.api.core.v1.ContainerPort'].properties.protocol).toMatchObject({ type: 'string', default: 'TCP', enum: ['SCTP', 'TCP', 'UDP'] });
    expect(schemas['io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector']['x-kubernetes-map-type']).toBe('atomic');
  });

  it('makes a document once, and again when its resources change', async () => {
    let resources: readonly DocumentedResource[] = builtInResources;
    const changing = new OpenApi(() => resources, 'v1.36.0');
    const [before, apps] = await Promise.all([changing.index(), changing.group('apis/apps/v1')]);
    resources = [...builtInResources, crontab];
    expect(await changing.group('apis/apps/v1')).toBe(apps);
    expect(Object.keys(parse(await changing.index()).paths)).toEqual([...Object.keys(parse(before).paths), 'apis/stable.example.com/v1'].sort());
    expect(gunzipSync(apps!.gzip)).toEqual(apps!.bytes);
    expect(await changing.group('apis/none/v1')).toBeUndefined();
  });

  it('writes v2 as protobuf', async () => {
    const { bytes, contentType } = await api.v2Protobuf();
    expect(contentType).toBe('application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
    const top = new Map<number, Reader>();
    for (const reader = new Reader(bytes); !reader.done;) top.set(Math.floor(reader.unsigned() / 8), reader.message());
    expect([...top.keys()]).toEqual([1, 2, 8, 9, 12, 13]);
    const first = top.get(9)!;
    expect(first.unsigned()).toBe(10);
    const named = first.message();
    expect([named.unsigned(), named.text()]).toEqual([10, Object.keys(parse(await api.v2()).definitions)[0]]);
    expect(await api.v2Protobuf()).toBe(await api.v2Protobuf());
  });

  it('publishes custom resources', async () => {
    const custom = new OpenApi(() => [crontab], 'v1.36.0');
    const { paths, components } = parse(await custom.group('apis/stable.example.com/v1')!);
    expect(components.schemas['com.example.stable.v1.CronTab']).toMatchObject({
      properties: { apiVersion: {}, metadata: { description: expect.stringMatching(/^Standard object's metadata/), allOf: [{}] }, spec: { properties: { port: { 'x-kubernetes-int-or-string': true } } } }, 'x-kubernetes-group-version-kind': [{ group: 'stable.example.com', kind: 'CronTab', version: 'v1' }],
    });
    expect(Object.keys(paths['/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}'].patch.requestBody.content)).not.toContain('application/strategic-merge-patch+json');
    expect(parse(await custom.v2()).definitions['com.example.stable.v1.CronTab'].properties.spec.properties).toEqual({ port: { description: 'where' }, any: { 'x-kubernetes-preserve-unknown-fields': true } });
  });
});
