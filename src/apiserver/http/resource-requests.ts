import { badRequest, fieldError, invalid, methodNotAllowed, methodNotAllowedHere, noSuchResource, qualified, statusError, unsupportedMediaType, type Status } from '../../api/errors.ts';
import { without } from '../../api/kinds/fill.ts';
import { apiVersionOf, type KubeObject, type ObjectKey, type ObjectList } from '../../api/object.ts';
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { DeleteOptions, Patch } from '../../client/client.ts';
import { patchTypes } from '../patch/patch-object.ts';
import { duplicateFields } from '../registry/duplicate-fields.ts';
import type { ResourceVerbs } from '../registry/resource-verbs.ts';
import type { ServedResource } from '../registry/served-resource.ts';
import type { RequestContext, RequestInfo } from '../request.ts';
import type { RequestMetrics } from './metrics.ts';
import { FlushSchedule } from './flush-schedule.ts';
import { MEDIA_TYPES, negotiate, TEXT_MEDIA_TYPES, type Negotiated } from './negotiation.ts';
import { checkTimeout, deleteOptions, listOptions, watchOptions, writeOptions } from './query-options.ts';
import { bodyMediaType, parseBody, parsePatch, readBody } from './read-body.ts';
import { contentTypeOf, listBytes, listMessage, plainList, sendBytes, sendObject, type Exchange } from './send.ts';
import { partialObjectMetadata, partialObjectMetadataList, tableOf, type IncludeObject } from './table.ts';
import { chunkedOutput, frameFormat, FrameSink, type FrameOutput } from './watch-stream.ts';
import { internalType } from '../registry/decode-object.ts';
import { isTrue } from './request-info.ts';
import { shownText } from '../../api/schema/shown-text.ts';

/** A request after authentication and authorization. */
export interface ResourceRequest extends Exchange {
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  readonly context: RequestContext;
}

export interface ResourceRequestsOptions {
  readonly verbs: ResourceVerbs;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: RequestMetrics;
}

/** Watches last at least this long where the client names no time-out, up to twice as long. Upstream: MinRequestTimeout. */
const MIN_WATCH_SECONDS = 1800;

/** Answers requests on resources over HTTP: reads options and bodies, calls the verbs, writes what they answer in the form asked for. */
export class ResourceRequests {
  readonly #verbs: ResourceVerbs;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #metrics: RequestMetrics;
  readonly #flushes: FlushSchedule;

  constructor({ verbs, clock, random, metrics }: ResourceRequestsOptions) {
    this.#verbs = verbs;
    this.#metrics = metrics;
    this.#clock = clock;
    this.#random = random;
    this.#flushes = new FlushSchedule(clock);
  }

  /** A promise only where something has to be waited for: reads are answered at once. */
  answer(request: ResourceRequest): Promise<void> | void {
    const { info } = request;
    const { served } = this.#verbs.find(info);
    checkScope(served, info);
    checkVerb(served, request);
    const { deprecation } = served.definition;
    if (deprecation !== undefined) tellDeprecation(request.context, deprecation);
    checkTimeout(request.query);
    const handler = info.subresource || !served.verbs.includes('get') ? this.#verbs.handler(info, info.subresource) : undefined;
    if (handler) {
      const method = request.request.method ?? 'GET';
      if (!handler.methods.includes(method)) throw served.custom ? methodNotAllowed(info, info.verb) : methodNotAllowedHere();
      if (handler.connect) return handler.connect({ context: request.context, info, query: request.query, request: request.request, response: request.response });
    }
    if (info.tail.length > 1) throw noSuchResource();
    switch (info.verb) {
      case 'get': return this.#get(request, served);
      case 'list': return this.#list(request, served);
      case 'watch': return this.#watch(request, served);
      case 'create': return this.#create(request, served);
      case 'update': return this.#update(request, served);
      case 'patch': return this.#patch(request, served);
      case 'delete': return this.#delete(request, served);
      case 'deletecollection': return this.#deleteCollection(request, served);
      default: throw served.custom ? methodNotAllowed(info, info.verb) : methodNotAllowedHere();
    }
  }

  #get(request: ResourceRequest, served: ServedResource): Promise<void> | void {
    const { info, context, query } = request;
    const negotiated = formOf(request, served);
    const resourceVersion = query.get('resourceVersion');
    const found = this.#verbs.get(context, served.resource, keyOf(info), { subresource: info.subresource, ...(resourceVersion && { resourceVersion }) });
    return found instanceof Promise ? found.then((object) => this.#sendOne(request, served, 200, object, negotiated)) : this.#sendOne(request, served, 200, found, negotiated);
  }

  async #list(request: ResourceRequest, served: ServedResource): Promise<void> {
    const { info, context, query } = request;
    const negotiated = formOf(request, served, true);
    const list = await this.#verbs.list(context, info, listOptions(query, info.namespace));
    await this.#sendList(request, served, list, negotiated);
  }

  #watch(request: ResourceRequest, served: ServedResource): void {
    const { response } = request;
    const negotiated = formOf(request, served);
    this.watch(request, served, negotiated, chunkedOutput(response), () => {
      response.writeHead(200, { 'Cache-Control': 'no-cache, private', 'Content-Type': `${contentTypeOf(negotiated.media)}${negotiated.media === 'application/json' ? '' : ';stream=watch'}` });
      response.flushHeaders();
    });
  }

  /** Starts a watch towards `output`; `open` is called when it is accepted, before anything is written. Throws StatusErrors before that. */
  watch({ info, query, context }: Pick<ResourceRequest, 'info' | 'query' | 'context'>, served: ServedResource, negotiated: Negotiated, output: FrameOutput, open: () => void): void {
    const options = watchOptions(query, info.namespace);
    const store = this.#verbs.store(info, 'watch');
    const name = info.name && !options.fieldSelector?.includes('metadata.name') ? `metadata.name=${info.name}` : '';
    const fieldSelector = [options.fieldSelector, name].filter(Boolean).join(',');
    const sink = new FrameSink(output, frameFormat(served, negotiated, { includeObject: includeObject(query), now: () => this.#clock.now() }), this.#flushes);
    const timeoutSeconds = options.timeoutSeconds ?? Math.round(MIN_WATCH_SECONDS * (1 + this.#random.next()));
    const began = options.sendInitialEvents ? this.#clock.monotonic() : 0;
    const watch = store.openWatch({ ...options, ...(fieldSelector && { fieldSelector }), timeoutSeconds }, sink);
    open();
    if (options.sendInitialEvents) this.#metrics.listedByWatch(info, (this.#clock.monotonic() - began) / 1000);
    if (context.signal.aborted) watch[Symbol.dispose]();
    else context.signal.addEventListener('abort', () => watch[Symbol.dispose](), { once: true });
  }

  async #create(request: ResourceRequest, served: ServedResource): Promise<void> {
    const { info, context, query } = request;
    const negotiated = formOf(request, served);
    const options = writeOptions(query, request.request.headers['user-agent'] ?? '', 'CreateOptions');
    const sent = parseBody(await readBody(request.request, this.#clock), bodyMediaType(request.request), query.get('fieldValidation'), served.resource.kind);
    context.audit?.request(sent.value);
    checkHead(served, info, sent.value);
    if (info.subresource) {
      refuseTable(served, negotiated);
      const answer = await this.#verbs.createSubresource(context, served.resource, keyOf(info), info.subresource, sent, options);
      context.audit?.response(answer);
      return await sendObject(request, 201, answer as object, negotiated);
    }
    if (info.name) throw methodNotAllowedHere();
    if (!served.verbs.includes('get')) refuseTable(served, negotiated);
    await this.#sendOne(request, served, 201, await this.#verbs.create(context, served.resource, info.namespace, sent, options), negotiated);
  }

  async #update(request: ResourceRequest, served: ServedResource): Promise<void> {
    const { info, context, query } = request;
    if (!info.name) throw methodNotAllowedHere();
    const negotiated = formOf(request, served);
    const options = { ...writeOptions(query, request.request.headers['user-agent'] ?? '', 'UpdateOptions'), ...(info.subresource && { subresource: info.subresource }) };
    const sent = parseBody(await readBody(request.request, this.#clock), bodyMediaType(request.request), query.get('fieldValidation'), served.resource.kind);
    context.audit?.request(sent.value);
    checkHead(served, info, sent.value);
    checkName(sent.value, info.name);
    const { object, created } = await this.#verbs.update(context, served.resource, keyOf(info), sent, options);
    await this.#sendOne(request, served, created ? 201 : 200, object, negotiated);
  }

  async #patch(request: ResourceRequest, served: ServedResource): Promise<void> {
    const { info, context, query } = request;
    if (!info.name) throw methodNotAllowedHere();
    const negotiated = formOf(request, served);
    const type = bodyMediaType(request.request);
    if (!patchTypes(!served.custom).includes(type)) throw served.custom ? unsupportedMediaType(patchTypes(false)) : statusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
    const options = { ...writeOptions(query, request.request.headers['user-agent'] ?? '', 'PatchOptions'), ...(info.subresource && { subresource: info.subresource }) };
    if (query.has('force') && type !== 'application/apply-patch+yaml') {
      throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [fieldError.forbidden('force', 'may not be specified for non-apply patch')]);
    }
    const bytes = await readBody(request.request, this.#clock);
    const { value, duplicates, fault } = parsePatch(bytes, type, query.get('fieldValidation'));
    context.audit?.request(value);
    const patch = { type, body: value, ...(isTrue(query.get('force')) && { force: true }) } as Patch;
    const texts = duplicates?.size ? duplicateFields(value, duplicates) : [];
    const { object, created } = await this.#verbs.patch(context, served.resource, keyOf(info), patch, { ...options, duplicates: texts, ...(fault && { fault }) });
    await this.#sendOne(request, served, created ? 201 : 200, object, negotiated);
  }

  async #delete(request: ResourceRequest, served: ServedResource): Promise<void> {
    const { info, context } = request;
    const negotiated = formOf(request, served);
    const options = await this.#deleteOptions(request);
    if (info.subresource) throw methodNotAllowed(info, 'delete');
    const { object, immediate } = await this.#verbs.store(info, 'delete').delete(context, keyOf(info), options);
    if (!immediate || served.definition.returnsDeleted) return await this.#sendOne(request, served, 200, object, negotiated);
    const status: Status = {
      kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success',
      details: { name: info.name, ...(info.group && { group: info.group }), kind: info.resource, uid: object.metadata.uid },
    };
    context.audit?.response(status);
    await sendObject(request, 200, status, negotiated);
  }

  async #deleteCollection(request: ResourceRequest, served: ServedResource): Promise<void> {
    const { info, context, query } = request;
    const negotiated = formOf(request, served);
    const options = await this.#deleteOptions(request);
    const list = without(listOptions(query, info.namespace), 'continue');
    await this.#sendList(request, served, await this.#verbs.store(info, 'deletecollection').deleteCollection(context, list, options), negotiated);
  }

  async #deleteOptions(request: ResourceRequest): Promise<DeleteOptions> {
    const body = await readBody(request.request, this.#clock);
    const sent = body.length > 0 ? parseBody(body, bodyMediaType(request.request), null, 'DeleteOptions').value : undefined;
    if (sent) request.context.audit?.request(sent);
    return deleteOptions(request.query, sent);
  }

  #sendOne(request: ResourceRequest, served: ServedResource, code: number, object: KubeObject, negotiated: Negotiated): Promise<void> | void {
    request.context.audit?.response(object);
    switch (negotiated.as) {
      case 'Table': {
        const { resourceVersion } = object.metadata;
        return sendObject(request, code, tableOf(served, [object], { ...(resourceVersion && { resourceVersion }) }, this.#tableOptions(request)), negotiated);
      }
      case 'PartialObjectMetadata': return sendObject(request, code, partialObjectMetadata(object), negotiated);
      default: return sendObject(request, code, object, negotiated);
    }
  }

  #sendList(request: ResourceRequest, served: ServedResource, list: ObjectList<KubeObject>, negotiated: Negotiated): Promise<void> | void {
    request.context.audit?.response(list);
    switch (negotiated.as) {
      case 'Table': return sendObject(request, 200, tableOf(served, list.items, { ...list.metadata }, this.#tableOptions(request)), negotiated);
      case 'PartialObjectMetadataList': {
        const partial = partialObjectMetadataList(list);
        return sendObject(request, 200, negotiated.media === 'application/vnd.kubernetes.protobuf' ? partial : plainList(partial, true), negotiated);
      }
      default:
        // Lists of custom resources say of the last part, too, that it is the last.
        if (served.custom && list.metadata.continue === undefined) list = { ...list, metadata: { continue: '', ...list.metadata } };
        if (negotiated.media === 'application/json' && !negotiated.pretty) return sendBytes(request, 200, contentTypeOf('application/json'), listBytes(list, served.custom));
        if (negotiated.media === 'application/vnd.kubernetes.protobuf') return sendBytes(request, 200, contentTypeOf(negotiated.media), listMessage(list));
        return sendObject(request, 200, plainList(list, served.custom), negotiated);
    }
  }

  #tableOptions({ query }: ResourceRequest) {
    return { includeObject: includeObject(query), nowMs: this.#clock.now() };
  }
}

/** The form that a request asks for; custom resources have no protobuf form. */
function formOf({ request, query }: ResourceRequest, served: ServedResource, isList = false): Negotiated {
  const { custom, resource: { group, kind } } = served;
  const negotiated = custom ? negotiate(request.headers, query, TEXT_MEDIA_TYPES) : negotiate(request.headers, query, MEDIA_TYPES, isList ? LISTED_IN : MEDIA_TYPES);
  if (isList && negotiated.as === 'PartialObjectMetadata') throw notAs(negotiated.as, `a list (*${custom ? 'unstructured.UnstructuredList' : internalType({ group, kind: served.listKind })})`);
  if (!isList && negotiated.as === 'PartialObjectMetadataList') throw notAs(negotiated.as, `not a list (*${custom ? 'unstructured.Unstructured' : internalType({ group, kind })})`);
  return negotiated;
}

const notAs = (wanted: string, is: string) => statusError(406, 'NotAcceptable', `you requested ${wanted}, but the requested object is ${is}`);

/** What lists come in, as told to those who take none of it. */
const LISTED_IN = [...MEDIA_TYPES, 'application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];

/** Throws 405 where the resource does not know the verb at all. HEAD is for custom resources alone, and for what is passed on. */
function checkVerb({ custom, verbs }: ServedResource, { info, request }: ResourceRequest): void {
  if (custom || info.subresource) return;
  if (!verbs.includes(info.verb) || request.method === 'HEAD') throw methodNotAllowedHere();
}

/** Throws 404 for a namespaced path of a cluster-scoped resource, and for writes to a namespaced one without a namespace. */
function checkScope({ resource }: ServedResource, info: RequestInfo): void {
  if (!resource.namespaced && info.namespace && !(info.resource === 'namespaces' && info.namespace === info.name)) throw noSuchResource();
  if (resource.namespaced && !info.namespace && info.verb === 'create') throw methodNotAllowedHere();
  if (resource.namespaced && !info.namespace && (info.name && info.verb !== 'list' && info.verb !== 'watch')) throw noSuchResource();
}

/** Throws 406 where a table is asked for of what has no rows. Upstream: apiserver pkg/registry/rest/table.go. */
function refuseTable({ resource }: ServedResource, { as }: Negotiated): void {
  if (as) throw statusError(406, 'NotAcceptable', `the resource ${qualified(resource)} does not support being converted to a Table`, {});
}

/** Upstream: apiserver pkg/endpoints/deprecation, pkg/endpoints/metrics.RecordRequest. */
function tellDeprecation({ warn, audit }: RequestContext, text: string): void {
  warn(text);
  audit?.annotate('k8s.io/deprecated', 'true');
}

function keyOf({ namespace, name, resource }: RequestInfo): ObjectKey {
  return namespace && resource !== 'namespaces' ? { namespace, name } : { name };
}

/** Throws 400 for a custom resource without kind or version: nothing tells what it would be, other than of built-in ones. */
function checkHead({ custom, resource }: ServedResource, { subresource }: RequestInfo, value: unknown): void {
  if (!custom || subresource === 'scale') return;
  const { apiVersion, kind } = value as { readonly apiVersion?: unknown; readonly kind?: unknown };
  if (!kind) {
    const text = JSON.stringify(value);
    throw badRequest(`the object provided is unrecognized (must be of type ${resource.kind}): Object 'Kind' is missing in '${text}' (${text.slice(0, 30)}${text.length > 30 ? ' ...' : ''})`);
  }
  if (!apiVersion) throw badRequest(`the API version in the data () does not match the expected API version (${apiVersionOf(resource)})`);
}

function checkName(value: unknown, name: string): void {
  const given = (value as { readonly metadata?: { readonly name?: unknown } } | null)?.metadata?.name;
  if (given === undefined || given === '') throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (given !== name) throw badRequest(`the name of the object (${shownText(given)}) does not match the name on the URL (${name})`);
}

function includeObject(query: URLSearchParams): IncludeObject {
  const asked = query.get('includeObject');
  if (asked === 'None' || asked === 'Object') return asked;
  if (asked && asked !== 'Metadata') throw badRequest(`unrecognized includeObject value: ${JSON.stringify(asked)}`);
  return 'Metadata';
}
