import type { IncomingHttpHeaders } from 'node:http';
import { notAcceptable, notAcceptableHere } from '../../api/errors.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { isTrue } from './request-info.ts';

export type MediaType = 'application/json' | 'application/yaml' | 'application/vnd.kubernetes.protobuf';
/** Of built-in resources. */
export const MEDIA_TYPES: readonly MediaType[] = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
/** Of custom resources and of all that is not a resource. */
export const TEXT_MEDIA_TYPES: readonly MediaType[] = ['application/json', 'application/yaml'];

/** What an object is turned into before it is written. */
export type Transformation = 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';

export interface Negotiated {
  readonly media: MediaType;
  readonly as?: Transformation;
  readonly pretty: boolean;
}

interface Clause {
  readonly type: string;
  readonly quality: number;
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * The form of the answer: the first clause of `Accept` that this server can serve. Throws 406 where there is none, which names what is `told` where no
 * clause names a type that is offered.
 * Upstream: apiserver pkg/endpoints/handlers/negotiation.
 */
export function negotiate(headers: IncomingHttpHeaders, query: URLSearchParams, offered: readonly MediaType[] = MEDIA_TYPES, told?: readonly string[]): Negotiated {
  const pretty = wantsPretty(headers, query);
  const { accept } = headers;
  if (!accept) return { media: offered[0]!, pretty };
  let some = false;
  for (const { type, parameters } of parseAccept(accept)) {
    const media = offered.find((candidate) => type === candidate || type === '*/*' || type === `${candidate.split('/')[0]}/*`);
    some ||= media !== undefined;
    if (!media || (parameters['stream'] && parameters['stream'] !== 'watch')) continue;
    const { as } = parameters;
    if (!as) return { media, pretty: pretty || parameters['pretty'] === '1' };
    if (as === 'Table' && media === 'application/vnd.kubernetes.protobuf') continue;
    if (isTransformation(as) && parameters['g'] === 'meta.k8s.io' && (parameters['v'] === 'v1' || parameters['v'] === 'v1beta1')) return { media, as, pretty };
  }
  throw told && !some ? notAcceptableHere(told) : notAcceptable(offered);
}

/** The clauses of an Accept header, the best first. */
export function parseAccept(accept: string): readonly Clause[] {
  return accept.length > LONGEST ? readAccept(accept) : clausesOf.get(accept, () => readAccept(accept));
}

const isTransformation = (as: string): as is Transformation => as === 'Table' || as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList';

/** Clients have few of these headers, and send them all the time. */
const LONGEST = 512;
const clausesOf = new RecentMap<readonly Clause[]>(64);

function readAccept(accept: string): readonly Clause[] {
  const clauses = accept.split(',').map((text): Clause => {
    const [type = '', ...rest] = text.split(';').map((part) => part.trim());
    const parameters: Record<string, string> = {};
    for (const part of rest) {
      const equals = part.indexOf('=');
      if (equals > 0) parameters[part.slice(0, equals)] = part.slice(equals + 1).replace(/^"(.*)"$/, '$1');
    }
    return { type, parameters, quality: parameters['q'] === undefined ? 1 : Number(parameters['q']) || 0 };
  });
  return clauses.some(({ quality }) => quality !== 1) ? clauses.sort((a, b) => b.quality - a.quality) : clauses;
}

/** People at a terminal or a browser get indented JSON. */
function wantsPretty({ 'user-agent': userAgent = '' }: IncomingHttpHeaders, query: URLSearchParams): boolean {
  const pretty = query.get('pretty');
  if (pretty !== null) return pretty === '' || isTrue(pretty);
  return /^(curl|Wget|Mozilla\/5\.0)/.test(userAgent);
}
