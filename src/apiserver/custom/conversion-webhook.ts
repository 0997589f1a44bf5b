import { StatusError, type FieldError } from '../../api/errors.ts';
import type { CustomResourceDefinition } from '../../api/generated/apiextensions-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { parseApiVersion } from '../../api/resources.ts';
import { labels } from '../../api/validation/fields.ts';
import { annotationErrors } from '../../api/validation/object-meta.ts';
import type { Random } from '../../base/random.ts';
import type { WebhookClient } from '../admission/webhook-client.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { objectBytes } from '../registry/object-bytes.ts';
import { isObject, type JsonObject } from './json-schema.ts';
import type { VersionConverter } from './version-converter.ts';

/** As long as upstream's client waits for any answer. */
const TIMEOUT_SECONDS = 30;
const GROUP = 'apiextensions.k8s.io';
/** The versions of ConversionReview that are spoken; a definition's first of them is used. */
const REVIEW_VERSIONS = ['v1', 'v1beta1'];

export interface ConversionWebhookOptions {
  readonly definition: CustomResourceDefinition;
  readonly client: Pick<WebhookClient, 'post'>;
  readonly random: Random;
}

/**
 * `strategy: Webhook`: asks the server that the definition names, for all objects in one call as far as it can take them, and takes no answer that changes what an object
 * is called. Of the metadata only labels and annotations are the webhook's. Faults are worded as upstream's (webhook_converter.go), and like
 * those carry code 500 and no reason.
 */
export class ConversionWebhook implements VersionConverter {
  readonly #options: ConversionWebhookOptions;

  constructor(options: ConversionWebhookOptions) {
    this.#options = options;
  }

  async convert(objects: readonly KubeObject[], apiVersion: string): Promise<readonly KubeObject[]> {
    const converted: KubeObject[] = [];
    for (const batch of batches(objects)) converted.push(...(await this.#convertBatch(batch, apiVersion)));
    return converted;
  }

  async #convertBatch(objects: readonly KubeObject[], apiVersion: string): Promise<readonly KubeObject[]> {
    const [first] = objects;
    if (!first) return [];
    const about = `conversion webhook for ${groupVersionKind(first)}`;
    const converted = await this.#ask(objects, apiVersion, about);
    if (converted.length !== objects.length) throw fault(`${about} returned ${converted.length} objects, expected ${objects.length}`);
    const several = objects.length > 1;
    return objects.map((object, i) => {
      const answer = converted[i];
      const invalid = several ? `${about} returned invalid converted object at index ${i}` : `${about} returned invalid object`;
      const where = several ? invalid : `${invalid} at index 0`;
      if (!isObject(answer)) throw fault(`${where}: expected an object`);
      if (answer['apiVersion'] !== apiVersion) throw fault(`${where}: invalid groupVersion (expected ${apiVersion}, received ${text(answer['apiVersion'])})`);
      if (answer['kind'] !== object.kind) throw fault(`${where}: invalid kind (expected ${object.kind}, received ${text(answer['kind'])})`);
      const renamed = identityFault(object, answer);
      if (renamed) throw fault(`${invalid}: ${renamed}`);
      try {
        return { ...answer, metadata: metadataOf(object, answer['metadata']) } as unknown as KubeObject;
      } catch (error) {
        if (!(error instanceof MetadataFault)) throw error;
        throw fault(`${about} returned invalid metadata${several ? ` in object at index ${i}` : ''}: ${error.message}`);
      }
    });
  }

  async #ask(objects: readonly KubeObject[], desiredAPIVersion: string, about: string): Promise<readonly unknown[]> {
    const { definition: { spec: { conversion } }, client, random } = this.#options;
    const { clientConfig = {}, conversionReviewVersions = [] } = conversion?.webhook ?? {};
    const version = conversionReviewVersions.find((known) => REVIEW_VERSIONS.includes(known));
    if (!version) throw fault('no supported conversion review versions');
    const uid = random.uuid();
    const review = { kind: 'ConversionReview', apiVersion: `${GROUP}/${version}`, request: { uid, desiredAPIVersion, objects } };
    let answer: unknown;
    try {
      answer = await client.post(clientConfig, review, TIMEOUT_SECONDS);
    } catch (error) {
      throw fault(`${about} failed: ${(error as Error).message}`);
    }
    const given = isObject(answer) ? answer : {};
    if (version === 'v1' && (given['kind'] !== 'ConversionReview' || given['apiVersion'] !== `${GROUP}/v1`)) {
      throw fault(`${about} failed: expected webhook response of ${GROUP}/v1, Kind=ConversionReview, got ${groupVersionKind(given)}`);
    }
    const response = given['response'];
    if (!isObject(response)) throw fault(`${about} failed: no response provided`);
    // Webhooks of the old version did not have to say whom they answer.
    if (version === 'v1' && response['uid'] !== uid) throw fault(`${about} failed: expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(text(response['uid']))}`);
    const result = isObject(response['result']) ? response['result'] : {};
    if (result['status'] !== 'Success') throw fault(`${about} failed: ${text(result['message']) || `response.result.status was '${text(result['status'])}', not 'Success'`}`);
    return Array.isArray(response['convertedObjects']) ? (response['convertedObjects'] as unknown[]) : [];
  }
}

/** A list goes in one call as long as servers can be expected to take it: upstream asks for each object by itself. */
const MOST_OBJECTS = 500;
const MOST_BYTES = 4 * 1024 * 1024;

function* batches(objects: readonly KubeObject[]): Generator<readonly KubeObject[], void, undefined> {
  let batch: KubeObject[] = [];
  let bytes = 0;
  for (const object of objects) {
    const { length } = objectBytes(object);
    if (batch.length === MOST_OBJECTS || (batch.length > 0 && bytes + length > MOST_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(object);
    bytes += length;
  }
  if (batch.length > 0) yield batch;
}

const fault = (message: string): StatusError => new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 });

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** `stable.example.com/v1, Kind=CronTab`. */
function groupVersionKind({ apiVersion, kind }: { readonly apiVersion?: unknown; readonly kind?: unknown }): string {
  const { group, version } = parseApiVersion(text(apiVersion));
  return `${group}/${version}, Kind=${text(kind)}`;
}

/** Why the answer is not the object that was sent; undefined where it is. */
function identityFault({ metadata }: KubeObject, answer: JsonObject): string | undefined {
  const given = isObject(answer['metadata']) ? answer['metadata'] : {};
  for (const [field, shown] of [['name', 'name'], ['namespace', 'namespace'], ['uid', 'UID']] as const) {
    const [wanted, received] = [metadata[field] ?? '', text(given[field])];
    if (wanted !== received) return `must have the same ${shown}: ${wanted} != ${received}`;
  }
  return undefined;
}

class MetadataFault extends Error {
  override readonly name = 'MetadataFault';
}

/** The metadata of the object that was sent, with the labels and annotations of the answer. Throws a MetadataFault for what are none. */
function metadataOf({ metadata }: KubeObject, answer: unknown): KubeObject['metadata'] {
  if (answer === undefined) throw new MetadataFault('missing metadata in converted object');
  if (!isObject(answer)) throw new MetadataFault(`invalid metadata of type ${goType(answer)} in converted object`);
  const { labels: _labels, annotations: _annotations, ...kept } = metadata;
  const restored: Record<string, unknown> = kept;
  for (const field of ['labels', 'annotations'] as const) {
    const given = answer[field];
    if (given === undefined || given === null) continue;
    if (!isObject(given)) throw new MetadataFault(`invalid metadata.${field} of type ${goType(given)} in converted object`);
    for (const [key, value] of Object.entries(given)) {
      if (typeof value !== 'string') throw new MetadataFault(`metadata.${field}[${key}] must be a string, but is ${goType(value)} in converted object`);
    }
    if (!deepEqual(given, metadata[field])) checked(field, given as Readonly<Record<string, string>>);
    restored[field] = given;
  }
  return restored as unknown as KubeObject['metadata'];
}

function checked(field: 'labels' | 'annotations', map: Readonly<Record<string, string>>): void {
  const errors: FieldError[] = field === 'labels' ? [...labels('metadata.labels', map)] : [...annotationErrors('metadata.annotation', map)];
  if (errors.length === 0) return;
  const texts = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  throw new MetadataFault(texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`);
}

/** What Go calls the type of a JSON value, since the messages do. */
function goType(value: unknown): string {
  switch (typeof value) {
    case 'string': return 'string';
    case 'boolean': return 'bool';
    case 'number': return Number.isInteger(value) ? 'int64' : 'float64';
    default: return value === null || value === undefined ? '<nil>' : Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
  }
}
