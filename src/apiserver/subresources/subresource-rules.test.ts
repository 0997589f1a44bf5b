import { expect, test } from 'vitest';
import { StatusError, type FieldError } from '../../api/errors.ts';
import type { CertificateSigningRequest } from '../../api/generated/certificates-v1.ts';
import type { Binding, Pod } from '../../api/generated/core-v1.ts';
import type { PodDisruptionBudget } from '../../api/generated/policy-v1.ts';
import { certificateApproval, certificateStatus } from './certificate-approval.ts';
import { bound } from './pod-binding.ts';
import { podEphemeralContainers } from './pod-ephemeral-containers.ts';
import { withDisruption } from './pod-eviction.ts';
import { podResize } from './pod-resize.ts';
import { logParameters } from './pod-log.ts';

const NOW = '2026-01-01T00:00:00Z';
const context = { nowMs: Date.parse(NOW), user: { name: 'u', groups: [] } };
const told = (errors: readonly FieldError[] = []): string[] => errors.map((e) => `${e.field}: ${e.message}`);
const faultOf = (action: () => unknown): string => {
  try {
    action();
    return 'none';
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return `${error.code} ${error.message} ${(error.status.details?.causes ?? []).map((c) => c.message).join('|')}`.trim();
  }
};

test.each<[string, object, string]>([
  ['has one to spare', { disruptionsAllowed: 1 }, 'none'],
  ['has none', { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1 }, "429 Cannot evict pod as it would violate the pod's disruption budget. The disruption budget b needs 1 healthy pods and has 1 currently"],
  ['was not looked at yet', { observedGeneration: 1, disruptionsAllowed: 3 }, "429 Cannot evict pod as it would violate the pod's disruption budget. The disruption budget b is still being processed by the server."],
  ['could not be worked out', { disruptionsAllowed: 0, currentHealthy: 3, desiredHealthy: 1, conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message: 'no scale' }] },
    "429 Cannot evict pod as it would violate the pod's disruption budget. The disruption budget b does not allow evicting pods currently because it failed sync: no scale"],
  ['is negative', { disruptionsAllowed: -1 }, '403 poddisruptionbudget.policy "b" is forbidden: pdb disruptions allowed is negative'],
])('a budget that %s', (_what, status, expected) => {
  const budget = { metadata: { name: 'b', generation: 2 }, status: { observedGeneration: 2, ...status } } as unknown as PodDisruptionBudget;
  expect(faultOf(() => withDisruption(budget, 'p', NOW))).toBe(expected);
});

test('a budget counts what was taken', () => {
  const budget = { metadata: { name: 'b', generation: 2 }, status: { observedGeneration: 2, disruptionsAllowed: 2 } } as unknown as PodDisruptionBudget;
  const once = withDisruption(budget, 'p', NOW);
  const twice = withDisruption(once, 'q', NOW);
  expect(twice.status).toMatchObject({ disruptionsAllowed: 0, disruptedPods: { p: NOW, q: NOW }, conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods' }] });
});

const pod = (spec: object = {}, status: object = {}, metadata: object = {}): Pod => ({ metadata: { name: 'p', namespace: 'a', uid: 'u', resourceVersion: '5', ...metadata }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec }, status }) as unknown as Pod;
const binding = (metadata: object = {}): Binding => ({ metadata: { name: 'p', ...metadata }, target: { kind: 'Node', name: 'n' } }) as unknown as Binding;

test.each<[Pod, Binding, string]>([
  [pod({ nodeName: 'm' }), binding(), '409 Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "m"'],
  [pod({ schedulingGates: [{ name: 'g' }] }), binding(), '409 Operation cannot be fulfilled on pods/binding "p": pod p has non-empty .spec.schedulingGates'],
  [pod({}, {}, { deletionTimestamp: NOW }), binding(), '409 Operation cannot be fulfilled on pods/binding "p": pod p is being deleted, cannot be assigned to a host'],
  [pod(), binding({ uid: 'other' }), '409 Operation cannot be fulfilled on pods/binding "p": Precondition failed: UID in precondition: other, UID in object meta: u'],
])('what cannot be bound', (target, wanted, expected) => {
  expect(faultOf(() => bound(target, wanted, NOW))).toBe(expected);
});

test('a bound pod takes over labels and annotations', () => {
  const result = bound(pod({}, { nominatedNodeName: 'x' }), binding({ labels: { zone: 'z' }, annotations: { k: 'v' } }), NOW);
  expect(result).toMatchObject({ spec: { nodeName: 'n' }, metadata: { labels: { zone: 'z' }, annotations: { k: 'v' } }, status: { conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: NOW }] } });
  expect(result.status).not.toHaveProperty('nominatedNodeName');
});

test('ephemeral containers are added and nothing else', () => {
  const before = pod({ ephemeralContainers: [{ name: 'e', image: 'x' }] });
  const change = (next: object): string[] | Pod => {
    const prepared = podEphemeralContainers.prepare({ ...before, spec: { ...before.spec, ...next } }, before, context);
    const errors = told(podEphemeralContainers.validate!(prepared, before));
    return errors.length ? errors : prepared;
  };
  expect(change({ hostNetwork: true, ephemeralContainers: [{ name: 'e', image: 'x' }, { name: 'f', image: 'y' }] })).toMatchObject({ spec: { ephemeralContainers: [{ name: 'e' }, { name: 'f' }] } });
  expect(change({ hostNetwork: true })).toBe(before);
  expect(change({ ephemeralContainers: [{ name: 'e', image: 'z' }] })).toEqual(['spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be changed\n']);
  expect(change({ ephemeralContainers: [{ name: 'f', image: 'x' }] })).toEqual(['spec.ephemeralContainers: Forbidden: existing ephemeral containers "e" may not be removed\n']);
});

const container = (requests?: object, limits?: object, more: object = {}): object => ({ name: 'c', image: 'i', resources: { ...(requests && { requests }), ...(limits && { limits }) }, ...more });
test.each<[string, object, object, string[]]>([
  ['more CPU', { containers: [container({ cpu: '1' })] }, { containers: [container({ cpu: '2' })] }, []],
  ['another image is passed over', { containers: [container({ cpu: '1' })] }, { containers: [container({ cpu: '1' }, undefined, { image: 'j' })] }, []],
  ['a request taken away', { containers: [container({ cpu: '1', memory: '1Gi' })] }, { containers: [container({ cpu: '1' })] }, ['spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed']],
  ['another class of service', { containers: [container({ cpu: '1' })] }, { containers: [container({ cpu: '1', memory: '1Gi' }, { cpu: '1', memory: '1Gi' })] }, ['spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing']],
  ['a device', { containers: [container({ cpu: '1' })] }, { containers: [container({ cpu: '1', 'x.io/gpu': '1' })] }, ['spec: Forbidden: only cpu and memory resources are mutable']],
  ['another policy', { containers: [container({ cpu: '1' })] }, { containers: [container({ cpu: '1' }, undefined, { resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }] })] }, ['spec: Forbidden: only cpu and memory resources are mutable']],
  ['another container', { containers: [container({ cpu: '1' })] }, { containers: [container({ cpu: '1' }), container({ cpu: '1' }, undefined, { name: 'd' })] }, ['spec.containers: Forbidden: containers may not be added or removed on resize']],
])('resize: %s', (_what, before, after, expected) => {
  const previous = pod(before);
  expect(told(podResize.validate!(podResize.prepare(pod(after), previous, context), previous))).toEqual(expected);
});

const request = (conditions: readonly object[], certificate?: string): CertificateSigningRequest => ({ metadata: { name: 'r' }, spec: { signerName: 's', request: '' }, status: { conditions, ...(certificate && { certificate }) } }) as unknown as CertificateSigningRequest;
const approved = { type: 'Approved', status: 'True', reason: 'R' };
const issued = Buffer.from('-----BEGIN CERTIFICATE-----').toString('base64');
test.each<[string, 'approval' | 'status', CertificateSigningRequest, CertificateSigningRequest, string[]]>([
  ['approves', 'approval', request([]), request([approved]), []],
  ['takes back', 'approval', request([approved]), request([]), ['status.conditions: Forbidden: updates may not remove a condition of type "Approved"']],
  ['says both', 'approval', request([approved]), request([approved, { type: 'Denied', status: 'True' }]), ['status.conditions: Invalid value: "": Approved and Denied conditions are mutually exclusive']],
  ['approves by false', 'approval', request([]), request([{ type: 'Approved', status: 'False' }]), ['status.conditions[0].status: Unsupported value: "False": supported values: "True"']],
  ['issues', 'status', request([approved]), request([], issued), []],
  ['issues again', 'status', request([approved], issued), request([approved], Buffer.from('x').toString('base64')), ['status.certificate: Invalid value: "eA==": updates may not modify the issued certificate', 'status.certificate: Invalid value: "<certificate data>": expected at least one CERTIFICATE block']],
])('certificates: who %s', (_what, part, before, after, expected) => {
  const strategy = part === 'approval' ? certificateApproval : certificateStatus;
  const prepared = strategy.prepare(after, before, context);
  expect(told(strategy.validate!(prepared, before))).toEqual(expected);
  if (part === 'status') expect(prepared.status!.conditions).toMatchObject([approved]);
});

test('log options', () => {
  const read = (text: string): string => logParameters(new URLSearchParams(text), 'p').toString();
  expect(read('follow=true&tailLines=10&container=c&timestamps=1&previous=false')).toBe('follow=true&timestamps=true&tailLines=10');
  expect(faultOf(() => read('limitBytes=0'))).toContain('limitBytes: Invalid value: 0: must be greater than 0');
  expect(faultOf(() => read('sinceSeconds=5&sinceTime=2026-01-01T00:00:00Z'))).toContain('at most one of `sinceTime` or `sinceSeconds` may be specified');
  expect(faultOf(() => read('tailLines=x'))).toContain('400');
});
