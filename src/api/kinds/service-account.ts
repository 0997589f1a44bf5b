/** Upstream: pkg/registry/core/serviceaccount/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { ServiceAccount } from '../generated/core-v1.ts';
import { serviceAccounts } from '../generated/resources.ts';
import { mapMember } from './fill.ts';
import { ageColumn, nameColumn } from './table-columns.ts';

const mountableAnnotation = 'kubernetes.io/enforce-mountable-secrets';

export const serviceAccount: KindDefinition<ServiceAccount> = {
  returnsDeleted: true,
  resource: serviceAccounts,
  prepareForCreate: withPlainSecrets,
  prepareForUpdate: withPlainSecrets,
  warnings: (object, previous) =>
    object.metadata.annotations?.[mountableAnnotation] !== undefined && previous?.metadata.annotations?.[mountableAnnotation] === undefined
      ? [`metadata.annotations[${mountableAnnotation}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`]
      : [],
  // In v1.34 the column of secrets went away, for accounts have had none of their own since v1.24.
  columns: [nameColumn, ageColumn],
};

/** Of a reference to a secret only the name counts. */
function withPlainSecrets(object: ServiceAccount): ServiceAccount {
  return mapMember(object, 'secrets', (secrets) => secrets.map(({ name }) => ({ ...(name !== undefined && { name }) })));
}
