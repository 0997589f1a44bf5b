import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseApiVersion } from '../resources.ts';
import { decode, DecodeError } from './decode.ts';
import { parseJson, parseJsonStrictly } from './json-text.ts';
import { kindType, kinds, typeNames, typeSchema } from './schema.ts';
import { applyTableDefaults } from './table-defaults.ts';

const DEPLOYMENT = 'io.k8s.api.apps.v1.Deployment';
const POD = 'io.k8s.api.core.v1.Pod';
const fault = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('decode', () => {
  it('drops what Go would leave out and adds what Go always writes', () => {
    const { object } = decode<Record<string, any>>(POD, {
      apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', creationTimestamp: null, labels: {}, generation: 0 },
      spec: { hostNetwork: false, containers: [{ name: 'c', image: '', env: [{ name: 'E', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }] }], terminationGracePeriodSeconds: 0, foo: 1 },
    });
    expect(object).toEqual({
      apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' },
      spec: { containers: [{ name: 'c', env: [{ name: 'E', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '0' } } }], resources: {} }], terminationGracePeriodSeconds: 0 },
      status: {},
    });
  });

  it('answers the same object where nothing is to do, and shares what did not change', () => {
    const canonical = decode<Record<string, any>>(POD, { metadata: { name: 'a' }, spec: { containers: [{ name: 'c' }], volumes: [{ name: 'v' }] } }).object;
    expect(decode(POD, canonical).object).toBe(canonical);
    const changed = { ...canonical, extra: 1 };
    expect((decode(POD, changed).object as typeof canonical)['spec']).toBe(canonical['spec']);
  });

  it('takes undefined for absent', () => {
    const { object } = decode<Record<string, any>>('io.k8s.api.core.v1.ConfigMap', { metadata: { name: 'a', labels: undefined }, data: { a: undefined, b: '1' }, immutable: undefined });
    expect(Object.keys(object)).toEqual(['metadata', 'data']);
    expect(JSON.stringify(object)).toBe('{"metadata":{"name":"a"},"data":{"b":"1"}}');
    expect(Object.keys(object['data'])).toEqual(['b']);
  });

  it('makes times and quantities canonical', () => {
    const { object } = decode<Record<string, any>>(POD, {
      metadata: { creationTimestamp: '2026-01-02T03:04:05.7+02:00' },
      spec: { containers: [{ name: 'c', resources: { limits: { cpu: '1000m', memory: 1024 } } }] },
    });
    expect(object['metadata'].creationTimestamp).toBe('2026-01-02T01:04:05Z');
    expect(object['spec'].containers[0].resources.limits).toEqual({ cpu: '1', memory: '1024' });
  });

  it('words type faults as upstream', () => {
    expect(fault(() => decode(DEPLOYMENT, { spec: { replicas: 'two' } }))).toBe('json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32');
    expect(fault(() => decode(DEPLOYMENT, { spec: { replicas: 1.5 } }))).toBe('json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32');
    expect(fault(() => decode(DEPLOYMENT, { metadata: { labels: { a: 1 } } }))).toBe('json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string');
    expect(fault(() => decode(POD, { spec: { containers: [{ image: true }] } }))).toBe('json: cannot unmarshal bool into Go struct field Container.spec.containers.image of type string');
    expect(fault(() => decode(POD, { spec: { containers: {} } }))).toBe('json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container');
    expect(fault(() => decode(POD, { spec: [] }))).toBe('json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec');
    expect(fault(() => decode(POD, { metadata: { creationTimestamp: 'x' } }))).toBe('parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"');
    expect(fault(() => decode(POD, { spec: { containers: [{ resources: { limits: { cpu: 'lots' } } }] } })))
      .toBe("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
    expect(fault(() => decode('io.k8s.api.core.v1.Secret', { data: { a: 'abc' } }))).toBe('illegal base64 data at input byte 3');
  });

  it('reports unknown and duplicate fields with their path', () => {
    const text = '{"spec":{"unknown1":1,"paused":true,"paused":false,"template":{"spec":{"containers":[{"name":"a","image":"b","image":"c","odd":1}]}}},"x":1,"x":2}';
    const { value, duplicates } = parseJsonStrictly(text);
    const warnings = ['unknown field "spec.unknown1"', 'duplicate field "spec.paused"', 'duplicate field "spec.template.spec.containers[0].image"',
      'unknown field "spec.template.spec.containers[0].odd"', 'unknown field "x"'];
    expect(decode(DEPLOYMENT, value, { validation: 'Warn', duplicates }).warnings).toEqual(warnings);
    expect(fault(() => decode(DEPLOYMENT, value, { validation: 'Strict', duplicates }))).toBe(`strict decoding error: ${warnings.join(', ')}`);
    expect(decode(DEPLOYMENT, value).warnings).toEqual([]);
  });

  it('reads the either-or types of CRD schemas', () => {
    const schema = { type: 'object', additionalProperties: true, items: { type: 'string' }, properties: { a: { additionalProperties: { type: 'string' } } } };
    expect(decode('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps', schema).object).toEqual(schema);
  });
});

describe('schema', () => {
  it('builds every type of the table', () => {
    for (const name of typeNames()) expect(typeSchema(name).fields.size + 1, name).toBeGreaterThan(0);
    for (const { group, version, kind, type } of kinds()) expect(kindType(group, version, kind)?.name).toBe(type);
  });

  it('knows groups, inlined fields and list semantics', () => {
    expect(kindType('rbac.authorization.k8s.io', 'v1', 'Role')?.name).toBe('io.k8s.api.rbac.v1.Role');
    expect(kindType('', 'v1', 'Status')?.name).toBe('io.k8s.apimachinery.pkg.apis.meta.v1.Status');
    expect(kindType('apps', 'v1', 'DeleteOptions')?.name).toBe('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions');
    expect(typeSchema('io.k8s.api.core.v1.Volume').fields.has('emptyDir')).toBe(true);
    expect(typeSchema('io.k8s.api.core.v1.Container').fields.get('ports')?.type).toMatchObject({ kind: 'list', merge: 'map', keys: ['containerPort', 'protocol'] });
    expect(typeSchema('io.k8s.api.core.v1.PersistentVolumeSpec').fields.get('claimRef')?.type).toMatchObject({ kind: 'struct', merge: 'granular' });
    expect(typeSchema('io.k8s.api.core.v1.ObjectReference').merge).toBe('atomic');
  });

  it('fills the defaults of the table', () => {
    const object = decode(POD, { spec: { containers: [{ name: 'c', ports: [{ containerPort: 1 }, { containerPort: 2, protocol: 'UDP' }], livenessProbe: { grpc: { port: 1 } } }] } }).object;
    const filled = applyTableDefaults(POD, object) as Record<string, any>;
    expect(filled['spec'].containers[0].ports).toEqual([{ containerPort: 1, protocol: 'TCP' }, { containerPort: 2, protocol: 'UDP' }]);
    expect(filled['spec'].containers[0].livenessProbe.grpc).toEqual({ port: 1, service: '' });
    expect(applyTableDefaults(POD, filled)).toBe(filled);
  });
});

describe('parseJson', () => {
  it.each([
    ['{"a":}', "invalid character '}' looking for beginning of value"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1', 'unexpected end of JSON input'],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['[1 2]', "invalid character '2' after array element"],
    ['{} x', "invalid character 'x' after top-level value"],
    ['nul', 'unexpected end of JSON input'],
    ['nulx', "invalid character 'x' in literal null (expecting 'l')"],
  ])('%s', (text, message) => expect(() => parseJson(text)).toThrow(message));

  it('reads the same as JSON.parse', () => {
    const text = '{"a":[1,-2.5e3,"\\u00e9\\n",true,null,{}],"__proto__":{"b":1}}';
    expect(JSON.stringify(parseJsonStrictly(text).value)).toBe(JSON.stringify(JSON.parse(text)));
  });
});

const vectors = new URL('../../../../shared/vectors/', import.meta.url);
if (existsSync(vectors)) describe('vectors', () => {
  for (const file of existsSync(vectors) ? readdirSync(vectors).filter((name) => name.endsWith('.json')) : []) {
    it(file, () => {
      const object = JSON.parse(readFileSync(new URL(file, vectors), 'utf8')) as { apiVersion?: string; kind?: string };
      const { group, version } = parseApiVersion(object.apiVersion ?? 'v1');
      const type = kindType(group, version, object.kind ?? 'WatchEvent');
      if (!type) throw new Error(`no type for ${file}`);
      const { object: decoded, warnings } = decode(type, object, { validation: 'Warn' });
      expect(warnings).toEqual([]);
      expect(decoded).toEqual(object);
    });
  }
});
