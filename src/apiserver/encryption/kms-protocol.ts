// The protocol of key management plugins (package v2), and the form in which what they protect is kept. Upstream: kms/apis/v2, apiserver pkg/storage/value/encrypt/envelope/kmsv2/v2.
import { fromJSON, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';

type Fields = Readonly<Record<string, readonly [id: number, type: string, key?: string]>>;

const message = (fields: Fields) => ({
  fields: Object.fromEntries(Object.entries(fields).map(([name, [id, type, keyType]]) => [name, { id, type, ...(keyType && { keyType }) }])),
});

const definitions = fromJSON({
  nested: {
    v2: {
      nested: {
        StatusRequest: message({}),
        StatusResponse: message({ version: [1, 'string'], healthz: [2, 'string'], keyId: [3, 'string'] }),
        DecryptRequest: message({ ciphertext: [1, 'bytes'], uid: [2, 'string'], keyId: [3, 'string'], annotations: [4, 'bytes', 'string'] }),
        DecryptResponse: message({ plaintext: [1, 'bytes'] }),
        EncryptRequest: message({ plaintext: [1, 'bytes'], uid: [2, 'string'] }),
        EncryptResponse: message({ ciphertext: [1, 'bytes'], keyId: [2, 'string'], annotations: [3, 'bytes', 'string'] }),
        EncryptedObject: message({ encryptedData: [1, 'bytes'], keyID: [2, 'string'], encryptedDEKSource: [3, 'bytes'], annotations: [4, 'bytes', 'string'], encryptedDEKSourceType: [5, 'int32'] }),
        KeyManagementService: {
          methods: {
            Status: { requestType: 'StatusRequest', responseType: 'StatusResponse' },
            Decrypt: { requestType: 'DecryptRequest', responseType: 'DecryptResponse' },
            Encrypt: { requestType: 'EncryptRequest', responseType: 'EncryptResponse' },
          },
        },
        // Called by nobody: it brings the writer and the reader of what is stored.
        Storage: { methods: { Keep: { requestType: 'EncryptedObject', responseType: 'EncryptedObject' } } },
      },
    },
  },
} as Parameters<typeof fromJSON>[0], { defaults: true, keepCase: true });

export const keyManagementService = definitions['v2.KeyManagementService'] as ServiceDefinition;

const keep = (definitions['v2.Storage'] as ServiceDefinition)['Keep'] as MethodDefinition<object, object>;

export type Annotations = Readonly<Record<string, Buffer>>;

/** A stored value beside what it takes to find the key that it is encrypted with. */
export interface EncryptedObject {
  readonly encryptedData: Buffer;
  readonly keyID: string;
  readonly encryptedDEKSource: Buffer;
  readonly annotations: Annotations;
  /** 0: the source is the key. 1: keys are derived of it. */
  readonly encryptedDEKSourceType: number;
}

export const writeEncryptedObject = (object: EncryptedObject): Buffer => keep.requestSerialize(object);
/** Throws where the bytes are not such an object. */
export const readEncryptedObject = (bytes: Buffer): EncryptedObject => keep.requestDeserialize(bytes) as EncryptedObject;

export interface StatusResponse {
  readonly version: string;
  readonly healthz: string;
  readonly keyId: string;
}
export interface EncryptResponse {
  readonly ciphertext: Buffer;
  readonly keyId: string;
  readonly annotations: Annotations;
}
export interface DecryptResponse {
  readonly plaintext: Buffer;
}
