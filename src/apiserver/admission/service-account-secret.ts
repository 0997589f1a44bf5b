import type { Secret } from '../../api/generated/core-v1.ts';
import { serviceAccounts } from '../../api/generated/resources.ts';
import { concerns } from './admission-fault.ts';
import type { AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';

const TYPE = 'kubernetes.io/service-account-token';
const NAME = 'kubernetes.io/service-account.name';
const UID = 'kubernetes.io/service-account.uid';

/**
 * Puts the lasting token of an account into a secret that is made for it. Upstream a controller does so after the secret is stored, which needs
 * the key outside the API server: pkg/controller/serviceaccount/tokens_controller.go.
 */
export function serviceAccountSecret({ objects, tokens, authority }: AdmissionServices): AdmissionPlugin {
  return {
    name: 'ServiceAccountSecret',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    async admit(attributes) {
      if (!concerns(attributes, '', 'secrets') || (attributes.object as Secret).type !== TYPE) return undefined;
      const secret = attributes.object as Secret;
      const { annotations } = secret.metadata;
      const account = objects.get(serviceAccounts, { namespace: attributes.namespace, name: annotations?.[NAME] ?? '' });
      if (!account || (annotations?.[UID] !== undefined && annotations[UID] !== account.metadata.uid) || secret.data?.['token']) return undefined;
      const base64 = (text: string): string => Buffer.from(text).toString('base64');
      return {
        ...secret, metadata: { ...secret.metadata, annotations: { ...annotations, [UID]: account.metadata.uid } },
        data: { 'ca.crt': base64(authority), namespace: base64(attributes.namespace), ...secret.data, token: base64(await tokens.issueForSecret(account, secret)) },
      } as Secret;
    },
  };
}
