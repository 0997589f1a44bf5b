import { humanDuration } from '../../api/human-duration.ts';
import { eventsOf, type Diagnose, type Situation } from '../finding.ts';
import { isSlip } from '../is-slip.ts';
import { makerOf } from '../maker-of.ts';
import { namesOf } from '../names-of.ts';
import { plainFault } from '../plain-fault.ts';
import { groupAlike, waitingFor } from '../waiting-containers.ts';

/** Images that could not be had: where they were looked for, what the registry said, and what that most likely means. */
export const imagePull: Diagnose = (situation) => [...missing(situation), ...underWay(situation)];

const missing: Diagnose = (situation) => groupAlike(
  waitingFor(situation.pods, 'ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull', 'RegistryUnavailable'), ({ status }) => status.image, (group) => {
    const { pod, status: { name, image, state } } = group[0];
    const correct = `kubectl set image ${makerOf(pod)} ${name}=IMAGE`;
    const names = namesOf([...new Set(group.map(({ pod }) => pod))], 'pod');
    const { reason, message = '' } = state!.waiting!;
    const said = plainFault(message.replace(/^Back-off pulling image "[^"]*": (ErrImagePull: )?/, ''));
    if (reason === 'InvalidImageName') return { waitsFor: `an image for ${names}`, because: [`"${image}" cannot be the name of an image.`], help: [`Names are lower case: REGISTRY/REPOSITORY:TAG. Correct it: ${correct}`] };
    if (reason === 'ErrImageNeverPull') return { waitsFor: `the image ${image}, for ${names}`, because: ['It is not on the node, and the pod says never to pull it (imagePullPolicy: Never).'], help: loadHelp(situation, 'Load it into the nodes') };
    const { registry, repository, tag } = placeOf(image);
    return { waitsFor: `the image ${image}, for ${names}`, because: [`It was looked for at the registry ${registry}, as ${repository}, tag ${tag}.`, `The answer was: ${said || 'none that is known'}`, ...lookupWords(said)], help: helpFor(said, { image, registry, correct }, situation) };
  },
);

/** Where an image is looked for. Upstream: distribution reference, familiar names. */
export function placeOf(image: string): { readonly registry: string; readonly repository: string; readonly tag: string } {
  const slash = image.indexOf('/');
  const first = slash < 0 ? '' : image.slice(0, slash);
  const hasRegistry = /[.:]/.test(first) || first === 'localhost';
  const rest = hasRegistry ? image.slice(slash + 1) : slash < 0 ? `library/${image}` : image;
  const [, repository = rest, tag = 'latest'] = /^([^:@]+)[:@]?(.+)?$/.exec(rest) ?? [];
  return { registry: hasRegistry ? first : 'docker.io', repository, tag: tag || 'latest' };
}

function helpFor(said: string, { image, registry, correct }: { readonly image: string; readonly registry: string; readonly correct: string }, situation: Situation): string[] {
  const near = nearImages(image, situation);
  const there = near.length > 0 ? [`The nodes have such: ${near.join(', ')}.`] : [];
  if (/denied|unauthori[sz]ed|authorization failed|401|403|insufficient_scope/i.test(said)) {
    return [...there, `Look for a slip in the name (then: ${correct}): registries answer so for images that do not exist, too.`, 'If it is private, give the pod a secret for the registry: kubectl create secret docker-registry NAME …, and imagePullSecrets in the pod.', ...loadHelp(situation, 'Or load it into the nodes without a registry')];
  }
  if (/not found|manifest unknown|404|NotFound/i.test(said)) return [...there, `Look for a slip in the name or the tag: ${registry} has no such image. Correct it: ${correct}`, ...loadHelp(situation, 'If you built it on this machine, load it into the nodes')];
  if (/no such host|network is unreachable|no route|timeout|timed out|refused|i\/o|dial tcp|EOF|Temporary failure|unavailable/i.test(said)) {
    return [
      `The node cannot reach ${registry}: see whether this machine is on the network, and whether a proxy or firewall stands between.`,
      ...(situation.wherry ? ['With --egress off nodes reach nothing outside of this machine.', `A registry on this machine can stand in for it: wherry start --registry-mirror ${registry}=http://127.0.0.1:5000`] : []),
      ...loadHelp(situation, 'Or load the image into the nodes'),
    ];
  }
  return ['Check the name: kubectl describe pod … shows each try.', ...loadHelp(situation, 'Or load the image into the nodes')];
}

/** A name that nobody could look up, said plainly. */
function lookupWords(said: string): string[] {
  const [, host] = /lookup (\S+?)(?: on \S+)?: /.exec(said) ?? [];
  return host ? [`In short: the address of ${host} could not be found out (DNS).`] : [];
}

/** Images of the nodes that have another tag, or a name that differs by a slip. */
function nearImages(image: string, { nodes }: Situation): readonly string[] {
  const wanted = placeOf(image);
  const known = new Set(nodes.flatMap(({ status }) => (status?.images ?? []).flatMap(({ names = [] }) => names.filter((name) => !name.includes('@')))));
  return [...known].filter((name) => {
    const other = placeOf(name);
    return other.registry === wanted.registry && (other.repository === wanted.repository ? other.tag !== wanted.tag : isSlip(other.repository, wanted.repository));
  }).slice(0, 3);
}

/** Images that are being fetched: nothing is wrong, it takes as long as it takes. */
const underWay: Diagnose = (situation) => groupAlike(
  waitingFor(situation.pods, 'ContainerCreating', 'PodInitializing').flatMap(({ pod, status }) => {
    const pulls = eventsOf(situation, pod.metadata.uid, 'Pulling', 'Pulled', 'Failed').filter(({ involvedObject, message = '' }) => involvedObject.fieldPath?.endsWith(`{${status.name}}`) ?? message.includes(status.image));
    const last = pulls.at(-1);
    return last?.reason === 'Pulling' ? [{ pod, status, since: Date.parse(last.lastTimestamp ?? last.eventTime ?? '') }] : [];
  }), ({ status }) => status.image, (group) => ({
    waitsFor: `the image ${group[0].status.image} to be fetched, for ${namesOf([...new Set(group.map(({ pod }) => pod))], 'pod')}`,
    because: [`The node has asked ${placeOf(group[0].status.image).registry} for it${Number.isNaN(group[0].since) ? '' : ` ${humanDuration(situation.nowMs - group[0].since)} ago`}, and has it once only: the next pod of it there starts at once.`],
    help: [],
  }),
);

function loadHelp({ wherry }: Situation, text: string): string[] {
  return wherry ? [`${text}: wherry image load FILE.tar (made by "docker save" and the like)`] : [];
}
