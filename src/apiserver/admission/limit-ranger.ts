import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../api/generated/core-v1.ts';
import { limitRanges } from '../../api/generated/resources.ts';
import { podResourceLimits, podResourceRequests } from '../../api/pod/resources.ts';
import { compareQuantities, quantitySign, quantityToNumber } from '../../api/quantity.ts';
import { concerns, refused } from './admission-fault.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

const ANNOTATION = 'kubernetes.io/limit-ranger';
type Amounts = Readonly<Record<string, string>>;

/** Fills in and enforces the limits of a namespace's LimitRanges. Upstream: plugin/pkg/admission/limitranger. */
export function limitRanger({ objects }: AdmissionServices): AdmissionPlugin {
  const rangesFor = (attributes: AdmissionAttributes): readonly LimitRange[] => {
    const { operation, namespace, oldObject } = attributes;
    const applies = concerns(attributes, '', 'pods', 'resize') || concerns(attributes, '', 'persistentvolumeclaims')
      || (concerns(attributes, '', 'pods') && operation === 'CREATE');
    return applies && !oldObject?.metadata.deletionTimestamp ? objects.list(limitRanges, namespace) : [];
  };
  return {
    name: 'LimitRanger',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    admit(attributes) {
      if (attributes.resource.resource !== 'pods') return undefined;
      const ranges = rangesFor(attributes);
      return ranges.length ? ranges.reduce(withDefaults, attributes.object as Pod) : undefined;
    },
    validate(attributes) {
      for (const range of rangesFor(attributes)) {
        const faults = attributes.resource.resource === 'pods' ? podFaults(range, attributes.object as Pod) : claimFaults(range, attributes.object as PersistentVolumeClaim);
        if (faults.length) throw refused(attributes, faults.length === 1 ? faults[0]! : `[${faults.join(', ')}]`);
      }
    },
  };
}

/** The pod with the defaults of one LimitRange in the containers that lack them, and an annotation saying so. */
export function withDefaults(pod: Pod, range: LimitRange): Pod {
  const items = range.spec?.limits.filter((item) => item.type === 'Container') ?? [];
  const limits: Amounts = Object.assign({}, ...items.map((item) => item.default ?? {}));
  const requests: Amounts = Object.assign({}, ...items.map((item) => item.defaultRequest ?? {}));
  const notes: string[] = [];
  const fill = (word: string) => <T extends Container>(container: T): T => {
    const missing = (defaults: Amounts, present: Amounts = {}): string[] => Object.keys(defaults).filter((name) => !(name in present)).sort();
    const newRequests = missing(requests, container.resources?.requests);
    const newLimits = missing(limits, container.resources?.limits);
    if (newRequests.length) notes.push(`${newRequests.join(', ')} request for ${word} ${container.name}`);
    if (newLimits.length) notes.push(`${newLimits.join(', ')} limit for ${word} ${container.name}`);
    if (newRequests.length + newLimits.length === 0) return container;
    return {
      ...container,
      resources: {
        ...container.resources,
        ...(newLimits.length && { limits: { ...limits, ...container.resources?.limits } }),
        ...(newRequests.length && { requests: { ...requests, ...container.resources?.requests } }),
      },
    };
  };
  const containers = pod.spec.containers.map(fill('container'));
  const initContainers = pod.spec.initContainers?.map(fill('init container'));
  if (notes.length === 0) return pod;
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${notes.join('; ')}` } },
    spec: { ...pod.spec, containers, ...(initContainers && { initContainers }) },
  };
}

export function podFaults(range: LimitRange, pod: Pod): readonly string[] {
  return (range.spec?.limits ?? []).flatMap((item) => {
    if (item.type === 'Pod') return amountFaults(item, podResourceRequests(pod), podResourceLimits(pod));
    if (item.type !== 'Container') return [];
    return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(({ resources }) => amountFaults(item, resources?.requests ?? {}, resources?.limits ?? {}));
  });
}

export function claimFaults(range: LimitRange, claim: PersistentVolumeClaim): readonly string[] {
  const requests = claim.spec.resources?.requests ?? {};
  return (range.spec?.limits ?? []).filter((item) => item.type === 'PersistentVolumeClaim').flatMap((item) => [
    ...each(item.min, (name, least) => minimumFault(item.type, name, least, requests[name], undefined)),
    ...each(item.max, (name, most) => {
      const request = requests[name];
      if (request === undefined) return `maximum ${name} usage per ${item.type} is ${most}.  No request is specified`;
      return compareQuantities(request, most) > 0 ? `maximum ${name} usage per ${item.type} is ${most}, but request is ${request}` : undefined;
    }),
  ]);
}

function amountFaults(item: LimitRangeItem, requests: Amounts, limits: Amounts): readonly string[] {
  return [
    ...each(item.min, (name, least) => minimumFault(item.type, name, least, requests[name], limits[name])),
    ...each(item.max, (name, most) => maximumFault(item.type, name, most, requests[name], limits[name])),
    ...each(item.maxLimitRequestRatio, (name, most) => ratioFault(item.type, name, most, requests[name], limits[name])),
  ];
}

function each(amounts: Amounts | undefined, check: (name: string, amount: string) => string | undefined): readonly string[] {
  return Object.entries(amounts ?? {}).flatMap(([name, amount]) => check(name, amount) ?? []);
}

function minimumFault(type: string, name: string, least: string, request: string | undefined, limit: string | undefined): string | undefined {
  const head = `minimum ${name} usage per ${type} is ${least}`;
  if (request === undefined) return `${head}.  No request is specified`;
  if (compareQuantities(request, least) < 0) return `${head}, but request is ${request}`;
  return limit !== undefined && compareQuantities(limit, least) < 0 ? `${head}, but limit is ${limit}` : undefined;
}

function maximumFault(type: string, name: string, most: string, request: string | undefined, limit: string | undefined): string | undefined {
  const head = `maximum ${name} usage per ${type} is ${most}`;
  if (limit === undefined) return `${head}.  No limit is specified`;
  if (compareQuantities(limit, most) > 0) return `${head}, but limit is ${limit}`;
  return request !== undefined && compareQuantities(request, most) > 0 ? `${head}, but request is ${request}` : undefined;
}

function ratioFault(type: string, name: string, most: string, request: string | undefined, limit: string | undefined): string | undefined {
  const head = `${name} max limit to request ratio per ${type} is ${most}`;
  if (quantitySign(request) === 0) return `${head}, but no request is specified or request is 0`;
  if (quantitySign(limit) === 0) return `${head}, but no limit is specified or limit is 0`;
  const ratio = quantityToNumber(limit) / quantityToNumber(request);
  return ratio > quantityToNumber(most) ? `${head}, but provided ratio is ${ratio.toFixed(6)}` : undefined;
}
