import { MessageTypes } from './message-types.ts';

/** One method of a service as gRPC calls it; a client's and, in this shape, also what a server of @grpc/grpc-js takes. */
export interface Method {
  /** `/runtime.v1.RuntimeService/Version` */
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (request: object) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => object;
  readonly responseSerialize: (response: object) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => object;
}

export type Service = Readonly<Record<string, Method>>;

export interface MethodMessages {
  readonly request: string;
  readonly response: string;
  readonly responseStream?: boolean;
}

/** `name` with its package: `csi.v1.Node`. */
export function service(name: string, types: MessageTypes, methods: Readonly<Record<string, MethodMessages>>): Service {
  return Object.fromEntries(Object.entries(methods).map(([method, { request, response, responseStream = false }]): [string, Method] => [method, {
    path: `/${name}/${method}`, requestStream: false, responseStream,
    requestSerialize: (object) => types.encode(request, object), requestDeserialize: (bytes) => types.decode(request, bytes),
    responseSerialize: (object) => types.encode(response, object), responseDeserialize: (bytes) => types.decode(response, bytes),
  }]));
}

/** Methods whose messages are called after them: `Version` takes a VersionRequest and answers a VersionResponse. `names` with spaces between. */
export function plainMethods(names: string): Record<string, MethodMessages> {
  return Object.fromEntries(names.split(' ').filter(Boolean).map((name) => [name, { request: `${name}Request`, response: `${name}Response` }]));
}
