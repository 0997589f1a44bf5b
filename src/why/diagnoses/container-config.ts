import { eventsOf, type Diagnose } from '../finding.ts';
import { editCommand } from '../maker-of.ts';
import { namesOf } from '../names-of.ts';
import { plainFault } from '../plain-fault.ts';
import { containersOf, groupAlike } from '../waiting-containers.ts';

const REASONS = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError', 'PostStartHookError']);

/** Containers that cannot be made, and volumes that cannot be mounted: most often something that they refer to is missing. */
export const containerConfig: Diagnose = (situation) => {
  const containers = groupAlike(containersOf(situation.pods).filter(({ status }) => REASONS.has(status.state?.waiting?.reason ?? '')), ({ status }) => `${status.name} ${status.state?.waiting?.message}`, (group) => {
    const { status, pod } = group[0];
    const { reason, message = '' } = status.state!.waiting!;
    const missing = missingObject(message);
    const command = [message, ...eventsOf(situation, pod.metadata.uid, 'Failed').map((event) => event.message ?? '')].flatMap((text) => missingCommand(text) ?? [])[0];
    if (command) return { waitsFor: `a command that the image has, for the container ${status.name} in ${namesOf(group.map((item) => item.pod), 'pod')}`, because: [`The image ${status.image} has no program ${command}.`], help: [`Correct command (or args) of the container; without them the image's own command runs: ${editCommand(pod)}`] };
    return {
      waitsFor: missing ? `the ${missing.kind} ${missing.name}, for ${namesOf(group.map((item) => item.pod), 'pod')}` : `the container ${status.name} to be startable, in ${namesOf(group.map((item) => item.pod), 'pod')}`,
      because: [plainFault(message) || reason!], help: missing ? missing.help : reason === 'RunContainerError' || reason === 'CreateContainerError' ? ['Check command, args and volumes of the container against what the image holds.'] : [],
    };
  });
  const stuck = situation.pods.filter(({ metadata, status }) => !metadata.deletionTimestamp && status?.phase === 'Pending').flatMap((pod) => {
    const event = eventsOf(situation, pod.metadata.uid, 'FailedMount', 'FailedAttachVolume', 'FailedCreatePodSandBox').at(-1);
    return event ? [{ pod, event }] : [];
  });
  const volumes = groupAlike(stuck, ({ event }) => `${event.reason} ${event.message}`, (group) => {
    const { event } = group[0];
    const pods = namesOf(group.map(({ pod }) => pod), 'pod');
    const missing = missingObject(event.message ?? '');
    if (event.reason === 'FailedCreatePodSandBox') return { waitsFor: `the network and shell (the sandbox) of ${pods}`, because: [event.message ?? ''], help: ['The node tries again by itself; its log says more.'] };
    return { waitsFor: missing ? `the ${missing.kind} ${missing.name}, for ${pods}` : `a volume of ${pods}`, because: [event.message ?? ''], help: missing ? missing.help : [] };
  });
  return [...containers, ...volumes];
};

/** Of runc, crun and containerd: `exec: "/nothing": stat /nothing: no such file or directory`. */
export function missingCommand(message: string): string | undefined {
  return /executable file [`'"]([^`'"]+)[`'"] not found/.exec(message)?.[1] ?? /exec: \\?"([^"\\]+)\\?": (?:stat|executable file not found)/.exec(message)?.[1];
}

/** `configmap "settings" not found`, `couldn't find key color in ConfigMap default/settings`. */
export function missingObject(message: string): { readonly kind: string; readonly name: string; readonly help: readonly string[] } | undefined {
  const [, key, keyKind, keyName] = /couldn't find key (\S+) in (ConfigMap|Secret) (\S+)/.exec(message) ?? [];
  if (key) {
    const kind = keyKind === 'Secret' ? 'secret' : 'config map';
    return { kind: `key ${key} of the ${kind}`, name: keyName!, help: [`Add the key ${key} to the ${kind} ${keyName}, or correct the name of the key in the pod.`] };
  }
  const [, found, name] = /(configmap|secret|persistentvolumeclaim|serviceaccount)s? "([^"]+)" not found/i.exec(message) ?? [];
  if (!found) return undefined;
  const kind = { configmap: 'config map', secret: 'secret', persistentvolumeclaim: 'volume claim', serviceaccount: 'service account' }[found.toLowerCase()]!;
  const create: Readonly<Record<string, string>> = { 'config map': `kubectl create configmap ${name} …`, secret: `kubectl create secret generic ${name} …`, 'service account': `kubectl create serviceaccount ${name}` };
  return { kind, name: name!, help: [`Make it${create[kind] ? `: ${create[kind]}` : ''}, or correct its name in the pod. The pod goes on by itself then.`] };
}
