import { describe, expect, test } from 'vitest';
import type { Container } from '../../api/generated/core-v1.ts';
import type { AllocatedDeviceStatus, DeviceClass, ResourceClaim } from '../../api/generated/resource-v1.ts';
import { podObject } from '../scheduling-fixture.ts';
import { claimReadiness } from './claim-readiness.ts';
import { classOfResource, deviceRequests } from './extended-resources.ts';

const GPU = 'example.com/gpu';
const deviceClass = (name: string, extendedResourceName?: string, created = '2030-01-01T00:00:00Z'): DeviceClass => ({
  apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: created }, spec: { ...(extendedResourceName !== undefined && { extendedResourceName }) },
});
const container = (name: string, gpus: number, more: Partial<Container> = {}): Container => ({ name, image: 'it', resources: { requests: { cpu: '1', ...(gpus > 0 && { [GPU]: String(gpus) }) } }, ...more });

test('of the classes that stand for a resource the newest counts, then the name; each class stands for one of its own', () => {
  const all = [deviceClass('old', GPU), deviceClass('new-b', GPU, '2031-01-01T00:00:00Z'), deviceClass('new-a', GPU, '2031-01-01T00:00:00Z'), deviceClass('other')];
  const classes = { list: () => all, get: (name: string) => all.find(({ metadata }) => metadata.name === name) };
  const nameOf = (resource: string) => classOfResource(resource, classes)?.metadata.name;
  expect([GPU, 'deviceclass.resource.kubernetes.io/other', 'deviceclass.resource.kubernetes.io/none', 'example.com/nic', 'cpu', 'kubernetes.io/x'].map(nameOf)).toEqual(['new-a', 'other', undefined, undefined, undefined, undefined]);
});

describe('what is asked of a class for the containers of a pod', () => {
  const of = (containers: Container[], initContainers: Container[] = []) => {
    const { requests, mappings } = deviceRequests(podObject('p', { spec: { containers, initContainers } }), new Map([[GPU, 'gpu']]));
    return [requests.map(({ name, exactly }) => `${name}=${exactly!.count}`).join(), mappings.map(({ containerName, requestName }) => `${containerName}:${requestName}`).join()];
  };
  test.each<[string, Container[], Container[], string, string]>([
    ['each container has its own', [container('a', 2), container('b', 1), container('c', 0)], [], 'container-0-request-1=2,container-1-request-1=1', 'a:container-0-request-1,b:container-1-request-1'],
    ['an init container uses what those after it will have', [container('a', 2)], [container('i', 1)], 'container-1-request-1=2', 'a:container-1-request-1,i:container-1-request-1'],
    ['and one that needs more has some besides', [container('a', 2)], [container('i', 3)], 'container-0-request-1=1,container-1-request-1=2', 'a:container-1-request-1,i:container-1-request-1,i:container-0-request-1'],
    ['the neediest init container gives to the others', [container('a', 0)], [container('i', 1), container('j', 3)], 'container-1-request-1=3', 'i:container-1-request-1,j:container-1-request-1'],
    ['a sidecar keeps what it has', [container('a', 1)], [container('s', 1, { restartPolicy: 'Always' })], 'container-0-request-1=1,container-1-request-1=1', 's:container-0-request-1,a:container-1-request-1'],
  ])('%s', (_, containers, init, requests, mappings) => expect(of(containers, init)).toEqual([requests, mappings]));
});

describe('whether the devices of a claim have been made ready', () => {
  const condition = (type: string, status: string) => ({ type, status, reason: 'Because', message: 'so', lastTransitionTime: '2030-01-01T00:00:00Z' });
  const device = (...conditions: ReturnType<typeof condition>[]): AllocatedDeviceStatus => ({ driver: 'd', pool: 'p', device: 'x', conditions });
  const at = Date.parse('2030-01-01T00:00:00Z');
  test.each<[string, boolean, AllocatedDeviceStatus[], number, string]>([
    ['nothing to wait for', false, [], 0, 'ready'],
    ['nobody said anything', true, [], 0, 'waiting'],
    ['not yet', true, [device(condition('Attached', 'False'))], 0, 'waiting'],
    ['ready', true, [device(condition('Attached', 'True'))], 0, 'ready'],
    ['failed, whatever else', true, [device(condition('Attached', 'True'), condition('Broken', 'True'))], 0, 'device binding failed: claim=c, reason=Because, message="so"'],
    ['not failed', true, [device(condition('Attached', 'True'), condition('Broken', 'False'))], 0, 'ready'],
    ['too late', true, [device()], 601_000, 'device binding timeout: claim=c'],
    ['late, and ready all the same', true, [device(condition('Attached', 'True'))], 601_000, 'ready'],
  ])('%s', (_, waits, devices, laterMs, expected) => {
    const result = { request: 'r', driver: 'd', pool: 'p', device: 'x', ...(waits && { bindingConditions: ['Attached'], bindingFailureConditions: ['Broken'] }) };
    const claim = { metadata: { name: 'c' }, status: { allocation: { allocationTimestamp: '2030-01-01T00:00:00Z', devices: { results: [result] } }, devices } } as unknown as ResourceClaim;
    const readiness = claimReadiness(claim, at + laterMs);
    expect('message' in readiness ? readiness.message : readiness.state).toBe(expected);
  });
});
