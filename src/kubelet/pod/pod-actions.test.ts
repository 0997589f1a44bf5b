import { describe, expect, test } from 'vitest';
import type { Container, Pod, PodSpec } from '../../api/generated/core-v1.ts';
import type { ObservedContainer, PodObservation } from './observation.ts';
import { computePodActions, type PodActionsInput } from './pod-actions.ts';
import { containerHash } from './pod-containers.ts';

const container = (name: string, more: Partial<Container> = {}): Container => ({ name, image: 'busybox:1', ...more });
const podOf = (spec: Partial<PodSpec>): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
  spec: { restartPolicy: 'Always', containers: [container('app')], ...spec },
});

/** `app=running`, `app=exited:3`, newest first; what is not named the runtime does not have. */
function observed(pod: Pod, states: readonly string[], sandbox: 'ready' | 'dead' | 'none' = 'ready'): PodObservation {
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const containers = states.map((text, index): ObservedContainer => {
    const [name, state, code] = text.split(/[=:]/) as [string, ObservedContainer['state'], string?];
    return {
      id: `${name}-${index}`, name, sandboxId: 's', restartCount: 0, state, createdMs: 100 - index, startedMs: state === 'created' ? 0 : 1, finishedMs: state === 'exited' ? 2 : 0,
      exitCode: Number(code ?? 0), reason: '', message: '', image: '', imageRef: '', hash: containerHash(all.find((c) => c.name === name)!), logPath: '',
    };
  });
  return { containers, sandboxes: sandbox === 'none' ? [] : [{ id: 's', attempt: 0, ready: sandbox === 'ready', ips: ['10.0.0.2'], createdMs: 1, hostNetwork: false }] };
}

function decide(spec: Partial<PodSpec>, states: readonly string[], more: Partial<PodActionsInput> & { sandbox?: 'ready' | 'dead' | 'none' } = {}): string[] {
  const pod = podOf(spec);
  const actions = computePodActions({
    pod, observation: observed(pod, states, more.sandbox), nowMs: 1000, notBeforeMs: () => 0, probe: () => ({ started: true, livenessFailed: false, startupFailed: false }), ...more,
  });
  return [
    ...(actions.createSandbox ? [`sandbox ${actions.createSandbox.attempt}`] : []), ...actions.kill.map((k) => `kill ${k.container.name} (${k.reason})`),
    ...actions.start.map((s) => `start ${s.container.name}`), ...actions.delayed.map((d) => `delay ${d.container.container.name}`), ...(actions.finished ? ['finished'] : []), ...(actions.reset ?? []).map((c) => `reset ${c.name}`),
  ];
}

const never = { restartPolicy: 'Never' };
const onFailure = { restartPolicy: 'OnFailure' };
const two = { containers: [container('app'), container('other')] };
const init = { initContainers: [container('a'), container('b')] };
const sidecar = { initContainers: [container('a'), container('side', { restartPolicy: 'Always' }), container('b')] };

describe('what is to be done with a pod', () => {
  test.each<[string, Partial<PodSpec>, string[], Parameters<typeof decide>[2], string[]]>([
    ['a new pod gets a sandbox', {}, [], { sandbox: 'none' }, ['sandbox 0']],
    ['containers start once there is a sandbox', two, [], {}, ['start app', 'start other']],
    ['nothing to do while they run', two, ['app=running', 'other=running'], {}, []],
    ['a dead sandbox is replaced', two, ['app=exited:137', 'other=exited:137'], { sandbox: 'dead' }, ['sandbox 1']],
    ['not for a pod that has done its work', never, ['app=exited:0'], { sandbox: 'dead' }, ['finished']],
    ['a sandbox without containers is replaced', never, [], { sandbox: 'dead' }, ['sandbox 1']],
    ['a failed sandbox waits', {}, [], { sandbox: 'none', notBeforeMs: () => 2000 }, ['delay app']],
    ['Always restarts', {}, ['app=exited:0'], {}, ['start app']],
    ['OnFailure restarts what failed', { ...onFailure, ...two }, ['app=exited:1', 'other=exited:0'], {}, ['start app']],
    ['OnFailure ends when all succeeded', { ...onFailure, ...two }, ['app=exited:0', 'other=exited:0'], {}, ['finished']],
    ['Never ends when all ended', { ...never, ...two }, ['app=exited:1', 'other=exited:0'], {}, ['finished']],
    ['Never waits for the last', { ...never, ...two }, ['app=exited:1', 'other=running'], {}, []],
    ['a restart waits for its back-off', two, ['app=exited:1', 'other=running'], { notBeforeMs: () => 5000 }, ['delay app']],
    ['what was created and never started is made again', {}, ['app=created'], {}, ['start app']],
    ['an unknown state is cleared first', {}, ['app=unknown'], {}, ['kill app (unknownState)']],
    ['a failed liveness probe kills', {}, ['app=running'], { probe: () => ({ started: true, livenessFailed: true, startupFailed: false }) }, ['kill app (livenessProbe)']],
    ['a failed startup probe kills', {}, ['app=running'], { probe: () => ({ started: false, livenessFailed: false, startupFailed: true }) }, ['kill app (startupProbe)']],
    ['a rule of the container overrides the pod', { ...never, containers: [container('app', { restartPolicy: 'Never', restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] })] }, ['app=exited:42'], {}, ['start app']],
    ['and only for its exit codes', { ...never, containers: [container('app', { restartPolicy: 'Never', restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }] })] }, ['app=exited:41'], {}, ['finished']],

    ['init containers come one by one', init, [], {}, ['start a']],
    ['the next after the one before is done', init, ['a=exited:0'], {}, ['start b']],
    ['nothing beside a running one', init, ['b=running', 'a=exited:0'], {}, []],
    ['the containers after the last', init, ['b=exited:0', 'a=exited:0'], {}, ['start app']],
    ['a failed one is tried again', init, ['a=exited:1'], {}, ['start a']],
    ['but not when the pod never restarts', { ...init, ...never }, ['a=exited:1'], {}, ['finished']],
    ['done once is done for good', init, ['app=running', 'b=exited:0', 'a=exited:0'], {}, []],
    ['even when they are forgotten', init, ['app=running'], {}, []],

    ['a sidecar starts in its turn', sidecar, ['a=exited:0'], {}, ['start side']],
    ['the next waits until it has started', sidecar, ['side=running', 'a=exited:0'], { probe: () => ({ started: false, livenessFailed: false, startupFailed: false }) }, []],
    ['and comes then', sidecar, ['side=running', 'a=exited:0'], {}, ['start b']],
    ['a sidecar is started again beside the next', sidecar, ['b=running', 'side=exited:1', 'a=exited:0'], {}, ['start side']],
    ['and beside the containers', sidecar, ['app=running', 'b=exited:0', 'side=exited:0', 'a=exited:0'], {}, ['start side']],
    ['but not when they are done', { ...sidecar, ...never }, ['app=exited:0', 'b=exited:0', 'side=exited:0', 'a=exited:0'], {}, ['finished']],
    ['when init fails for good, sidecars end', { ...sidecar, ...never }, ['b=exited:1', 'side=running', 'a=exited:0'], {}, ['kill side (initFailed)', 'finished']],
    ['an ephemeral container needs no turn', { ...init, ephemeralContainers: [{ name: 'debug', image: 'busybox:1' }] }, ['a=running'], {}, ['start debug']],
  ])('%s', (_, spec, states, more, expected) => {
    expect(decide(spec, states, more)).toEqual(expected);
  });

  test('what ran in an earlier sandbox is no initialization of this one', () => {
    const pod = podOf(init);
    const before = observed(pod, ['app=exited:137', 'b=exited:0', 'a=exited:0']);
    const observation = { ...before, sandboxes: [{ ...before.sandboxes[0]!, id: 'new', attempt: 1 }] };
    const actions = computePodActions({ pod, observation, nowMs: 0, notBeforeMs: () => 0, probe: () => ({ started: true, livenessFailed: false, startupFailed: false }) });
    expect(actions.start.map((s) => s.container.name)).toEqual(['a']);
  });

  test('a container whose image was changed is replaced', () => {
    const pod = podOf({});
    const observation = observed(pod, ['app=running']);
    const changed = podOf({ containers: [container('app', { image: 'busybox:2' })] });
    const actions = computePodActions({ pod: changed, observation, nowMs: 0, notBeforeMs: () => 0, probe: () => ({ started: true, livenessFailed: false, startupFailed: false }) });
    expect(actions.kill.map((k) => k.message)).toEqual(['Container app definition changed']);
  });
});

describe('a rule that has all containers restart', () => {
  const rule = { restartPolicy: 'Never', restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [88] } }] } as const;
  const spec: Partial<PodSpec> = { restartPolicy: 'Never', initContainers: [container('init')], containers: [container('app'), container('watcher', rule)] };
  test.each<[string, string[], Partial<PodActionsInput>, string[]]>([
    ['first the others are ended', ['watcher=exited:88', 'app=running', 'init=exited:0'], {}, ['kill app (restartAll)']],
    ['then all is removed, the cause last', ['app=exited:137', 'watcher=exited:88', 'init=exited:0'], {}, ['reset app', 'reset init', 'reset watcher']],
    ['not before the back-off is over', ['app=exited:137', 'watcher=exited:88', 'init=exited:0'], { notBeforeMs: (name) => (name === 'watcher' ? 2000 : 0) }, ['delay watcher']],
    ['then initialization comes first again', [], {}, ['start init']],
    ['another exit code means what it always means', ['app=exited:0', 'watcher=exited:1', 'init=exited:0'], {}, ['finished']],
  ])('%s', (_, states, more, expected) => {
    expect(decide(spec, states, more)).toEqual(expected);
  });
});
