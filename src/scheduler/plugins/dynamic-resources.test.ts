import { beforeAll, describe, expect, test } from 'vitest';
import type { Device, DeviceClass, DeviceConstraint, DeviceRequest, ResourceClaim, ResourceSlice } from '../../api/generated/resource-v1.ts';
import type { Node } from '../../api/generated/core-v1.ts';
import { nodeObject } from '../scheduling-fixture.ts';
import { allocateDevices } from './device-allocation.ts';
import { loadDeviceExpressions, selects } from './device-expressions.ts';

const driver = 'gpu.example';
const meta = (name: string) => ({ name, uid: name, resourceVersion: '1', creationTimestamp: '' });
const device = (name: string, model: string, memory: string, more: Partial<Device> = {}): Device =>
  ({ name, attributes: { model: { string: model }, version: { version: '1.2.3' }, 'numa.example/node': { int: Number(name.at(-1)) % 2 } }, capacity: { memory: { value: memory } }, ...more });
const slice = (nodeName: string, devices: Device[], more: Partial<ResourceSlice['spec']> = {}): ResourceSlice =>
  ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: meta(`slice-${nodeName}`), spec: { driver, pool: { name: nodeName, generation: 1, resourceSliceCount: 1 }, nodeName, devices, ...more } });
const classes: Record<string, DeviceClass> = {
  any: { apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', metadata: meta('any'), spec: { selectors: [{ cel: { expression: `device.driver == "${driver}"` } }], config: [{ opaque: { driver, parameters: { share: 1 } as never } }] } },
};
const request = (more: object = {}, name = 'r'): DeviceRequest => ({ name, exactly: { deviceClassName: 'any', allocationMode: 'ExactCount', count: 1, ...more } });
const cel = (expression: string) => ({ selectors: [{ cel: { expression } }] });
const claim = (requests: DeviceRequest[], constraints: DeviceConstraint[] = []): ResourceClaim => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { ...meta('c'), namespace: 'default' }, spec: { devices: { requests, constraints } } });
const four = [slice('a', [device('gpu-0', 'small', '8Gi'), device('gpu-1', 'small', '8Gi'), device('gpu-2', 'large', '80Gi'), device('gpu-3', 'large', '80Gi', { taints: [{ key: 'broken', effect: 'NoSchedule' }] })])];

/** Names of the devices of each claim. */
function given(claims: ResourceClaim[], { slices = four, taken = [], node = nodeObject('a') }: { slices?: ResourceSlice[]; taken?: string[]; node?: Node } = {}): string[] | undefined {
  const results = allocateDevices({ claims, node, slices, classOf: (name) => classes[name], taken: new Set(taken.map((name) => `${driver}/a/${name}`)), selects });
  return results?.map(({ devices }) => devices!.results!.map((one) => one.device).join());
}

describe('devices', () => {
  beforeAll(loadDeviceExpressions);

  test.each<[string, ResourceClaim[], string[] | undefined]>([
    ['the first that is free', [claim([request()])], ['gpu-0']],
    ['each claim its own', [claim([request()]), claim([request()])], ['gpu-0', 'gpu-1']],
    ['as many as asked for', [claim([request({ count: 3 })])], ['gpu-0,gpu-1,gpu-2']],
    ['not more than there are', [claim([request({ count: 4 })])], undefined],
    ['by an attribute', [claim([request(cel(`device.attributes["${driver}"].model == "large"`))])], ['gpu-2']],
    ['by a capacity', [claim([request(cel(`device.capacity["${driver}"].memory.compareTo(quantity("10Gi")) > 0`))])], ['gpu-2']],
    ['by a version', [claim([request(cel(`device.attributes["${driver}"].version.isGreaterThan(semver("2.0.0"))`))])], undefined],
    ['tainted ones to those who bear it', [claim([request({ ...cel(`device.attributes["${driver}"].model == "large"`), count: 2, tolerations: [{ key: 'broken', operator: 'Exists' }] })])], ['gpu-2,gpu-3']],
    ['all of them', [claim([request({ allocationMode: 'All', ...cel(`device.attributes["${driver}"].model == "small"`) })])], ['gpu-0,gpu-1']],
    ['all, of which one is tainted', [claim([request({ allocationMode: 'All' })])], ['gpu-0,gpu-1,gpu-2']],
    ['two of one kind, though the first fits otherwise', [claim([request({ count: 2 })], [{ matchAttribute: 'numa.example/node' }])], ['gpu-0,gpu-2']],
    ['two of different kinds', [claim([request({}, 'x'), request({}, 'y')], [{ requests: ['x', 'y'], distinctAttribute: `${driver}/model` }])], ['gpu-0,gpu-2']],
    ['the first alternative that can be had', [claim([{ name: 'r', firstAvailable: [{ name: 'many', deviceClassName: 'any', count: 9 }, { name: 'one', deviceClassName: 'any' }] }])], ['gpu-0']],
    ['a class that there is not', [claim([request({ deviceClassName: 'none' })])], undefined],
  ])('%s', (_, claims, expected) => expect(given(claims)).toEqual(expected));

  test('a search that would never end is broken off', () => {
    const many = [slice('a', Array.from({ length: 40 }, (_, i) => device(`gpu-${i}`, `model-${i}`, '1Gi')))];
    const hopeless = [claim([request({ count: 20 }), request({ count: 20 }, 'x'), request({}, 'y')])];
    let steps = 0;
    const checkTime = (): void => {
      if (++steps > 1000) throw new Error('too late');
    };
    expect(() => allocateDevices({ claims: hopeless, node: nodeObject('a'), slices: many, classOf: (name) => classes[name], taken: new Set(), selects, checkTime })).toThrow('too late');
  });

  test('what others have is not given, unless to look after it', () => {
    expect(given([claim([request()])], { taken: ['gpu-0', 'gpu-1'] })).toEqual(['gpu-2']);
    expect(given([claim([request({ adminAccess: true })])], { taken: ['gpu-0', 'gpu-1'] })).toEqual(['gpu-0']);
  });

  test('devices of other nodes, of pools that are not complete, or of old generations are not there', () => {
    expect(given([claim([request()])], { node: nodeObject('b') })).toBeUndefined();
    expect(given([claim([request()])], { slices: [slice('a', [device('gpu-0', 'small', '1Gi')], { pool: { name: 'a', generation: 1, resourceSliceCount: 2 } })] })).toBeUndefined();
    expect(given([claim([request()])], { slices: [...four, slice('a', [device('new-0', 'small', '1Gi')], { pool: { name: 'a', generation: 2, resourceSliceCount: 1 } })] })).toEqual(['new-0']);
    const everywhere = slice('net', [device('net-0', 'small', '1Gi')]).spec;
    const { nodeName: _, ...rest } = everywhere;
    expect(given([claim([request()])], { node: nodeObject('b'), slices: [{ ...four[0]!, spec: { ...rest, allNodes: true } }] })).toEqual(['net-0']);
  });

  test('parts of one card never draw more than the card has, and the whole is had only while no part is', () => {
    const part = (name: string, memory: string): Device => device(name, 'part', memory, { consumesCounters: [{ counterSet: 'card-0', counters: { memory: { value: memory } } }] });
    const counted: ResourceSlice[] = [
      slice('a', [part('whole-0', '80Gi'), part('half-0', '40Gi'), part('half-1', '40Gi'), part('quarter-0', '20Gi')], { pool: { name: 'a', generation: 1, resourceSliceCount: 2 } }),
      { ...slice('a', []), metadata: meta('counters'), spec: { driver, pool: { name: 'a', generation: 1, resourceSliceCount: 2 }, nodeName: 'a', sharedCounters: [{ name: 'card-0', counters: { memory: { value: '80Gi' } } }] } },
    ];
    const one = () => claim([request()]);
    expect(given([one()], { slices: counted })).toEqual(['whole-0']);
    expect(given([one(), one()], { slices: counted })).toBeUndefined();
    expect(given([claim([request({ count: 2 })])], { slices: counted })).toEqual(['half-0,half-1']);
    expect(given([one()], { slices: counted, taken: ['half-0'] })).toEqual(['half-1']);
    expect(given([claim([request({ count: 2 })])], { slices: counted, taken: ['half-0'] })).toBeUndefined();
    expect(given([one()], { slices: counted, taken: ['whole-0'] })).toBeUndefined();
    expect(given([claim([request({ adminAccess: true })])], { slices: counted, taken: ['whole-0'] })).toEqual(['whole-0']);
  });

  test('a device that several may have is given in shares, until it has no more', () => {
    const shared = (policy: object = {}) => [slice('a', [device('nic-0', 'nic', '10Gi', { allowMultipleAllocations: true, capacity: { bandwidth: { value: '10Gi', ...policy } } })])];
    const want = (bandwidth?: string) => claim([request(bandwidth === undefined ? {} : { capacity: { requests: { bandwidth } } })]);
    const consumed = (claims: ResourceClaim[], slices = shared(), used: string[] = []) => allocateDevices({
      claims, node: nodeObject('a'), slices, classOf: (name) => classes[name], taken: new Set(), shares: new Map(used.length > 0 ? [[`${driver}/a/nic-0`, used.map((bandwidth) => ({ bandwidth }))]] : []), newShareId: () => 'share', selects,
    })?.map(({ devices }) => devices!.results!.map(({ shareID, consumedCapacity }) => `${shareID} ${consumedCapacity?.['bandwidth']}`).join());
    expect(consumed([want('4Gi'), want('6Gi')])).toEqual(['share 4Gi', 'share 6Gi']);
    expect(consumed([want('4Gi'), want('7Gi')])).toBeUndefined();
    expect(consumed([want('4Gi')], shared(), ['4Gi', '3Gi'])).toBeUndefined();
    expect(consumed([want('3Gi')], shared(), ['4Gi', '3Gi'])).toEqual(['share 3Gi']);
    // Who does not say how much gets the default, or all.
    expect(consumed([want(), want('1Gi')])).toBeUndefined();
    const ranged = { requestPolicy: { default: '1Gi', validRange: { min: '2Gi', max: '8Gi', step: '2Gi' } } };
    expect(consumed([want(), want('1Gi'), want('3Gi')], shared(ranged))).toEqual(['share 1Gi', 'share 2Gi', 'share 4Gi']);
    expect(consumed([want('9Gi')], shared(ranged))).toBeUndefined();
    const listed = { requestPolicy: { default: '1Gi', validValues: ['1Gi', '5Gi'] } };
    expect(consumed([want('2Gi')], shared(listed))).toEqual(['share 5Gi']);
    expect(consumed([want('6Gi')], shared(listed))).toBeUndefined();
    // A capacity that there is not; and one of a device that is had as a whole.
    expect(consumed([claim([request({ capacity: { requests: { colour: '1' } } })])])).toBeUndefined();
    expect(given([claim([request({ capacity: { requests: { memory: '20Gi' } } })])])).toEqual(['gpu-2']);
    expect(given([claim([request({ count: 2, adminAccess: true })])], { slices: [slice('a', [device('gpu-0', 'small', '8Gi')])] })).toBeUndefined();
  });

  test('devices that must be made ready come last, and the allocation says what is waited for', () => {
    const slow = device('far-0', 'far', '1Gi', { bindingConditions: ['Attached'], bindingFailureConditions: ['Broken'], bindsToNode: true });
    const { nodeName: _, ...fabric } = slice('net', [slow]).spec;
    const everywhere: ResourceSlice = { ...slice('net', []), spec: { ...fabric, allNodes: true } };
    expect(given([claim([request()]), claim([request({ count: 3 })])], { slices: [everywhere, ...four] })).toEqual(['gpu-0', 'gpu-1,gpu-2,far-0']);
    const [result] = allocateDevices({ claims: [claim([request()])], node: nodeObject('a'), slices: [everywhere], classOf: (name) => classes[name], taken: new Set(), selects })!;
    expect(result).toMatchObject({ devices: { results: [{ device: 'far-0', bindingConditions: ['Attached'], bindingFailureConditions: ['Broken'] }] }, nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ values: ['a'] }] }] } });
  });

  test('devices for some nodes bind the claim to these, and what a class says stands once', () => {
    const { nodeName: _, ...rest } = four[0]!.spec;
    const zone = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['west'] }] }] };
    const [result] = allocateDevices({
      claims: [{ ...claim([request({}, 'x'), request({}, 'y')]), spec: { devices: { requests: [request({}, 'x'), request({}, 'y')], config: [{ requests: ['none'], opaque: { driver, parameters: {} as never } }] } } }],
      node: nodeObject('a', { labels: { zone: 'west' } }), slices: [{ ...four[0]!, spec: { ...rest, nodeSelector: zone } }], classOf: (name) => classes[name], taken: new Set(), selects,
    })!;
    expect(result!.nodeSelector).toEqual(zone);
    expect(result!.devices!.config).toEqual([{ source: 'FromClass', requests: ['x', 'y'], opaque: { driver, parameters: { share: 1 } } }]);
  });

  test('an allocation says where it is good, and how devices are set up', () => {
    const [result] = allocateDevices({ claims: [claim([request()])], node: nodeObject('a'), slices: four, classOf: (name) => classes[name], taken: new Set(), selects })!;
    expect(result).toEqual({
      devices: { results: [{ request: 'r', driver, pool: 'a', device: 'gpu-0' }], config: [{ source: 'FromClass', requests: ['r'], opaque: { driver, parameters: { share: 1 } } }] },
      nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] }] },
    });
  });
});
