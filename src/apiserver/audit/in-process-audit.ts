import { StatusError } from '../../api/errors.ts';
import { apiVersionOf, type ResourceType } from '../../api/object.ts';
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { statusOf } from '../http/send.ts';
import type { RequestContext } from '../request.ts';
import type { Auditor } from './auditor.ts';

/** What a component in the server's process asks for. */
export interface InProcessRequest {
  readonly verb: string;
  readonly resource: ResourceType<unknown>;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
  readonly body?: unknown;
}

/** Writes down what components in the server's process ask for, as if it had come over HTTP: from no address. */
export class InProcessAudit {
  readonly #auditor: Auditor;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(auditor: Auditor, clock: Clock, random: Random) {
    this.#auditor = auditor;
    this.#clock = clock;
    this.#random = random;
  }

  async run<T>(context: RequestContext, { verb, resource, namespace = '', name = '', subresource = '', body }: InProcessRequest, work: (context: RequestContext) => Promise<T> | T): Promise<T> {
    const root = resource.group ? `/apis/${apiVersionOf(resource)}` : `/api/${resource.version}`;
    const path = [root, ...(namespace ? ['namespaces', namespace] : []), resource.resource, ...(name ? [name] : []), ...(subresource ? [subresource] : [])].join('/');
    const trail = this.#auditor.begin({
      id: this.#random.uuid(), uri: path, user: context.user, userAgent: context.userAgent, sourceIPs: [], receivedAt: this.#clock.now(),
      info: { isResourceRequest: true, path, verb, group: resource.group, version: resource.version, resource: resource.resource, subresource, tail: '', namespace, name },
    });
    if (!trail) return await work(context);
    if (body !== undefined) trail.request(body);
    try {
      const answer = await work({ ...context, audit: trail });
      if (verb === 'watch') trail.started(200);
      else {
        trail.response(answer);
        trail.completed(verb === 'create' ? 201 : 200);
      }
      return answer;
    } catch (error) {
      if (error instanceof StatusError) trail.failed(error.status);
      trail.completed(statusOf(error).code ?? 500);
      throw error;
    }
  }
}
