// The protocol of key management plugins (package v2), and the form in which what they protect is kept. Upstream: kms/apis/v2, apiserver pkg/storage/value/encrypt/envelope/kmsv2/v2.
import { MessageTypes } from '../../base/grpc/message-types.ts';
import { plainMethods, service, type Service } from '../../base/grpc/service.ts';

const types = new MessageTypes({
  StatusRequest: '',
  StatusResponse: 'version=1:string healthz=2:string keyId=3:string',
  DecryptRequest: 'ciphertext=1:bytes uid=2:string keyId=3:string annotations=4:map<string,bytes>',
  DecryptResponse: 'plaintext=1:bytes',
  EncryptRequest: 'plaintext=1:bytes uid=2:string',
  EncryptResponse: 'ciphertext=1:bytes keyId=2:string annotations=3:map<string,bytes>',
  EncryptedObject: 'encryptedData=1:bytes keyID=2:string encryptedDEKSource=3:bytes annotations=4:map<string,bytes> encryptedDEKSourceType=5:int32',
});

export const keyManagementService: Service = service('v2.KeyManagementService', types, plainMethods('Status Decrypt Encrypt'));

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

export const writeEncryptedObject = (object: EncryptedObject): Buffer => types.encode('EncryptedObject', object);
/** Throws where the bytes are not such an object. */
export const readEncryptedObject = (bytes: Buffer): EncryptedObject => types.decode('EncryptedObject', bytes) as EncryptedObject;

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
