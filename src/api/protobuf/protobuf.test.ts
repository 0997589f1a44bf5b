import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decode } from '../schema/decode.ts';
import { typeSchema } from '../schema/schema.ts';
import { decodeProtobuf, encodeList, encodeProtobuf, messageOf, wrap, type Typed } from './envelope.ts';
import { decodeMessage, encodeMessage } from './message.ts';
import { decodeWatchFrames, encodeWatchFrame } from './watch-frame.ts';

const canonical = (object: Typed, type: string): Typed => decode<Typed>(type, object).object;

describe('protobuf', () => {
  const pod = canonical({
    apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'b', labels: { z: '1', a: '2' }, creationTimestamp: '2026-01-02T03:04:05Z', deletionGracePeriodSeconds: 0 },
    spec: {
      containers: [{ name: 'c', resources: { limits: { cpu: '1500m' } }, livenessProbe: { httpGet: { port: 'http', path: '/ä' }, periodSeconds: 5 }, ports: [{ containerPort: 80 }] }],
      volumes: [{ name: 'v', configMap: { name: 'm', optional: false } }], securityContext: { supplementalGroups: [1, 2], runAsUser: -1 }, terminationGracePeriodSeconds: 9007199254740991,
    },
  } as unknown as Typed, 'io.k8s.api.core.v1.Pod');

  it('reads what it writes', () => {
    expect(decodeProtobuf(encodeProtobuf(pod))).toEqual(pod);
  });

  it.each([
    [{ type: 'object', additionalProperties: false, properties: { a: { additionalProperties: { type: 'string' }, default: { x: [1] }, enum: ['a', 1, null] } } }],
    [{ items: { type: 'string', maximum: 1.5 }, dependencies: { a: ['b', 'c'], d: { type: 'string' } } }], [{ additionalProperties: true, items: [{ type: 'string' }, { type: 'number' }] }],
  ])('reads and writes CRD schemas %#', (schema) => {
    const type = typeSchema('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps');
    expect(decodeMessage(type, encodeMessage(type, schema))).toEqual(schema);
  });

  it('keeps lists inside maps, secrets, verbs', () => {
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: {}, status: { user: { username: 'u', extra: { a: ['1', '2'], b: [] } } } };
    expect(decodeProtobuf(encodeProtobuf(review))).toEqual(review);
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { a: 'AAEC', b: '' }, immutable: false };
    expect(decodeProtobuf(encodeProtobuf(secret))).toEqual(secret);
    const resources = { apiVersion: 'v1', kind: 'APIResourceList', groupVersion: 'v1', resources: [{ name: 'pods', singularName: '', namespaced: true, kind: 'Pod', verbs: ['get', 'list'] }] };
    expect(decodeProtobuf(encodeProtobuf(resources))).toEqual(resources);
  });

  it('builds lists of messages', () => {
    const list = { apiVersion: 'v1', kind: 'PodList', metadata: { resourceVersion: '7', remainingItemCount: 0 }, items: [pod, pod] };
    const bytes = encodeList(list, [messageOf(pod), messageOf(pod)]);
    expect(bytes).toEqual(encodeProtobuf(list));
    const item = Object.fromEntries(Object.entries(pod).filter(([key]) => key !== 'apiVersion' && key !== 'kind'));
    expect(decodeProtobuf(bytes)).toEqual({ ...list, items: [item, item] });
  });

  it('frames watch events', () => {
    const frames = Buffer.concat([encodeWatchFrame('ADDED', encodeProtobuf(pod)), encodeWatchFrame('DELETED', encodeProtobuf(pod))]);
    const { events, rest } = decodeWatchFrames(frames.subarray(0, frames.length - 1));
    expect(events.map((e) => e.type)).toEqual(['ADDED']);
    expect(decodeProtobuf(events[0]!.object)).toEqual(pod);
    expect(decodeWatchFrames(Buffer.concat([rest, frames.subarray(-1)])).events.map((e) => e.type)).toEqual(['DELETED']);
  });

  it('refuses what it cannot read or write', () => {
    expect(() => decodeProtobuf(Buffer.from('{}'))).toThrow('does not appear to be a protobuf message');
    const bytes = encodeProtobuf(pod);
    expect(() => decodeProtobuf(bytes.subarray(0, bytes.length - 20))).toThrow('unexpected EOF');
    expect(() => encodeProtobuf({ apiVersion: 'meta.k8s.io/v1', kind: 'Table' })).toThrow('no protobuf form');
  });
});

const vectors = new URL('../../../../shared/vectors/', import.meta.url);
if (existsSync(vectors)) describe('vectors', () => {
  for (const file of existsSync(vectors) ? readdirSync(vectors).filter((name) => name.endsWith('.json')) : []) {
    it(file, () => {
      const object = JSON.parse(readFileSync(new URL(file, vectors), 'utf8')) as Typed;
      const bytes = readFileSync(new URL(file.replace('.json', '.pb'), vectors));
      if (!object.kind) {
        expect(wrap({ apiVersion: '', kind: '' }, encodeMessage(typeSchema('io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent'), object))).toEqual(bytes);
        return;
      }
      expect(decodeProtobuf(bytes)).toEqual(object);
      expect(encodeProtobuf(object).toString('hex')).toBe(bytes.toString('hex'));
    });
  }
});
