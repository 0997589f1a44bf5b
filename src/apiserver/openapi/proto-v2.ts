import { ReverseWriter } from '../../base/grpc/wire.ts';
import type { Json } from './type-schema.ts';

/**
 * OpenAPI v2 as protobuf, the only form in which Go clients ask for it. They ask for `application/com.github.proto-openapi.spec.v2@v1.0+protobuf`;
 * since no media type may have an `@`, the answer names it with a dot.
 * Upstream: gnostic-models openapiv2/OpenAPIv2.proto.
 */
export const PROTO_V2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** How a member of a JSON object is written: under which number, as what; `each` where it is a list of such. */
type Member = readonly [number, 'string' | 'bool' | 'double' | 'int' | 'any' | 'strings' | 'anys' | ((writer: ReverseWriter, value: never) => void), 'each'?];

interface Shape {
  readonly members: Readonly<Record<string, Member>>;
  /** Number of `vendor_extension`. */
  readonly extensions?: number;
}

function writeMessage(writer: ReverseWriter, { members, extensions }: Shape, object: Json): void {
  if (extensions !== undefined) {
    for (const key of Object.keys(object).filter((k) => k.startsWith('x-')).sort().reverse()) {
      nested(writer, extensions, () => named(writer, key, () => writeAny(writer, object[key])));
    }
  }
  for (const [key, [number, kind, each]] of Object.entries(members).sort(([, a], [, b]) => b[0] - a[0])) {
    const value = object[key];
    if (value === undefined) continue;
    if (each || kind === 'strings' || kind === 'anys') for (const item of [...(value as readonly unknown[])].reverse()) writeMember(writer, number, kind, item);
    else writeMember(writer, number, kind, value);
  }
}

function writeMember(writer: ReverseWriter, number: number, kind: Member[1], value: unknown): void {
  switch (kind) {
    case 'string': case 'strings':
      writer.text(value as string);
      return writer.tag(number, 2);
    case 'bool':
      writer.varint(value ? 1 : 0);
      return writer.tag(number, 0);
    case 'int':
      writer.varint(value as number);
      return writer.tag(number, 0);
    case 'double':
      writer.double(value as number);
      return writer.tag(number, 1);
    case 'any': case 'anys': return nested(writer, number, () => writeAny(writer, value));
    default: return nested(writer, number, () => kind(writer, value as never));
  }
}

function nested(writer: ReverseWriter, number: number, contents: () => void): void {
  const before = writer.length;
  contents();
  writer.close(number, before);
}

/** Any { yaml 2 }: JSON is YAML. */
function writeAny(writer: ReverseWriter, value: unknown): void {
  writer.text(`${JSON.stringify(value)}\n`);
  writer.tag(2, 2);
}

function named(writer: ReverseWriter, name: string, value: () => void): void {
  nested(writer, 2, value);
  writer.text(name);
  writer.tag(1, 2);
}

/** A map as a message of { name, value } under `number`. */
const namedList = (number: number, shape: () => (writer: ReverseWriter, value: Json) => void) => (writer: ReverseWriter, map: Json): void => {
  for (const [name, value] of Object.entries(map).reverse()) nested(writer, number, () => named(writer, name, () => shape()(writer, value as Json)));
};

const schema = (writer: ReverseWriter, value: Json): void => writeMessage(writer, schemaShape, value);

const schemaShape: Shape = {
  members: {
    $ref: [1, 'string'], format: [2, 'string'], title: [3, 'string'], description: [4, 'string'], default: [5, 'any'], multipleOf: [6, 'double'], maximum: [7, 'double'],
    exclusiveMaximum: [8, 'bool'], minimum: [9, 'double'], exclusiveMinimum: [10, 'bool'], maxLength: [11, 'int'], minLength: [12, 'int'], pattern: [13, 'string'],
    maxItems: [14, 'int'], minItems: [15, 'int'], uniqueItems: [16, 'bool'], maxProperties: [17, 'int'], minProperties: [18, 'int'], required: [19, 'strings'], enum: [20, 'anys'],
    additionalProperties: [21, (writer: ReverseWriter, value: Json | boolean) => (typeof value === 'boolean' ? writeMember(writer, 2, 'bool', value) : writeMember(writer, 1, schema, value))],
    type: [22, (writer: ReverseWriter, value: string) => writeMember(writer, 1, 'string', value)],
    items: [23, (writer: ReverseWriter, value: Json) => writeMember(writer, 1, schema, value)],
    allOf: [24, schema, 'each'],
    properties: [25, namedList(1, () => schema)],
    example: [30, 'any'],
  },
  extensions: 31,
};

const pathParameter: Shape = { members: { required: [1, 'bool'], in: [2, 'string'], description: [3, 'string'], name: [4, 'string'], type: [5, 'string'], format: [6, 'string'], uniqueItems: [19, 'bool'] } };
const queryParameter: Shape = { members: { ...pathParameter.members, type: [6, 'string'], format: [7, 'string'], uniqueItems: [20, 'bool'] } };
const bodyParameter: Shape = { members: { description: [1, 'string'], name: [2, 'string'], in: [3, 'string'], required: [4, 'bool'], schema: [5, schema] } };

/** ParametersItem { parameter 1: Parameter { body 1, nonBody 2: NonBodyParameter { query 3, path 4 } } }. */
function parameter(writer: ReverseWriter, value: Json): void {
  nested(writer, 1, () => {
    if (value['in'] === 'body') return nested(writer, 1, () => writeMessage(writer, bodyParameter, value));
    const [number, shape] = value['in'] === 'path' ? [4, pathParameter] as const : [3, queryParameter] as const;
    nested(writer, 2, () => nested(writer, number, () => writeMessage(writer, shape, value)));
  });
}

/** ResponseValue { response 1: Response { description 1, schema 2: SchemaItem { schema 1 } } }. */
function response(writer: ReverseWriter, value: Json): void {
  nested(writer, 1, () => writeMessage(writer, {
    members: { description: [1, 'string'], schema: [2, (w: ReverseWriter, inner: Json) => writeMember(w, 1, schema, inner)] }, extensions: 5,
  }, value));
}

const operation: Shape = {
  members: {
    tags: [1, 'strings'], description: [3, 'string'], operationId: [5, 'string'], produces: [6, 'strings'], consumes: [7, 'strings'], parameters: [8, parameter, 'each'],
    responses: [9, namedList(1, () => response)], schemes: [10, 'strings'],
  },
  extensions: 13,
};
const operationOf = (writer: ReverseWriter, value: Json): void => writeMessage(writer, operation, value);

const pathItem: Shape = {
  members: {
    get: [2, operationOf], put: [3, operationOf], post: [4, operationOf], delete: [5, operationOf], options: [6, operationOf], head: [7, operationOf], patch: [8, operationOf], parameters: [9, parameter, 'each'],
  },
  extensions: 10,
};

const document: Shape = {
  members: {
    swagger: [1, 'string'],
    info: [2, (writer: ReverseWriter, value: Json) => writeMessage(writer, { members: { title: [1, 'string'], version: [2, 'string'] } }, value)],
    paths: [8, namedList(2, () => (writer, value) => writeMessage(writer, pathItem, value))],
    definitions: [9, namedList(1, () => schema)],
    security: [12, namedList(1, () => (writer, scopes) => writeMessage(writer, { members: { scopes: [1, 'strings'] } }, { scopes })), 'each'],
    securityDefinitions: [13, namedList(1, () => (writer, value) => nested(writer, 2, () => writeMessage(writer, { members: { type: [1, 'string'], name: [2, 'string'], in: [3, 'string'], description: [4, 'string'] } }, value)))],
  },
};

/** A document of `documentV2` as protobuf. */
export function encodeV2(value: Json): Buffer {
  const writer = new ReverseWriter();
  writeMessage(writer, document, value);
  return writer.finish();
}
