import { LineCounter, parseAllDocuments } from 'yaml';
import { UserError } from '../../base/user-error.ts';
import { readAdmissionConfiguration, type AdmissionConfiguration } from '../admission/admission-configuration.ts';
import { readAuditPolicy, type AuditPolicy } from '../audit/audit-policy.ts';
import { readAuthenticationConfiguration, type AuthenticationConfiguration } from '../authn/authentication-configuration.ts';
import { readAuthorizationConfiguration, type AuthorizationConfiguration } from '../authz/authorization-configuration.ts';
import { readEncryptionConfiguration, type EncryptionConfiguration } from '../encryption/encryption-configuration.ts';
import { resolveContext } from '../../client/kubeconfig.ts';
import type { Kubeconfig } from '../../client/kubeconfig-entries.ts';
import { ConfigurationReader } from './configuration-reader.ts';

/** What an operator may set besides the command line. */
export interface ServerConfiguration {
  readonly audit?: AuditPolicy;
  /** Where audit events go besides the file. */
  readonly auditWebhook?: Kubeconfig;
  readonly encryption?: EncryptionConfiguration;
  readonly authentication?: AuthenticationConfiguration;
  readonly admission?: AdmissionConfiguration;
  readonly authorization?: AuthorizationConfiguration;
}

const APISERVER = /^apiserver\.config\.k8s\.io\/v1(beta1|alpha1)?$/;

/** One kind of document, one line. */
const kinds: Readonly<Record<string, { readonly versions: RegExp; readonly read: (reader: ConfigurationReader) => ServerConfiguration }>> = {
  Policy: { versions: /^audit\.k8s\.io\/v1$/, read: (reader) => ({ audit: readAuditPolicy(reader) }) },
  Config: { versions: /^v1$/, read: (reader) => ({ auditWebhook: readKubeconfig(reader) }) },
  EncryptionConfiguration: { versions: APISERVER, read: (reader) => ({ encryption: readEncryptionConfiguration(reader) }) },
  AdmissionConfiguration: { versions: APISERVER, read: (reader) => ({ admission: readAdmissionConfiguration(reader) }) },
  AuthorizationConfiguration: { versions: APISERVER, read: (reader) => ({ authorization: readAuthorizationConfiguration(reader) }) },
  AuthenticationConfiguration: { versions: APISERVER, read: (reader) => ({ authentication: readAuthenticationConfiguration(reader) }) },
};

/**
 * Reads the documents of a YAML (or JSON) text: the same that kube-apiserver takes in a file each by --audit-policy-file, --audit-webhook-config-file (a kubeconfig),
 * --encryption-provider-config, --authentication-config, --authorization-config and --admission-control-config-file. `source` names the file in messages. Throws UserError.
 */
export function readServerConfiguration(text: string, source: string): ServerConfiguration {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines });
  let configuration: ServerConfiguration = {};
  const seen = new Set<string>();
  for (const document of Array.isArray(documents) ? documents : []) {
    const [fault] = document.errors;
    if (fault) throw new UserError(`${source}: ${fault.message}`);
    const value: unknown = document.toJS();
    if (value === null) continue;
    const { kind, apiVersion } = value as { readonly kind?: unknown; readonly apiVersion?: unknown };
    const known = kinds[String(kind)];
    if (!known || !known.versions.test(String(apiVersion))) {
      throw new UserError(`${source}: a document of the kind ${String(kind)} in ${String(apiVersion)} is not known`, `use one of ${Object.keys(kinds).join(', ')} (audit.k8s.io/v1, apiserver.config.k8s.io/v1)`);
    }
    if (seen.has(String(kind))) throw new UserError(`${source}: there are several documents of the kind ${String(kind)}`);
    seen.add(String(kind));
    configuration = { ...configuration, ...known.read(new ConfigurationReader(value, `${source} (${String(kind)})`)) };
  }
  return configuration;
}

/** Throws UserError where it names no server. */
function readKubeconfig(reader: ConfigurationReader): Kubeconfig {
  const named = (name: string) => reader.list(`${name}s`).map((entry) => ({ name: entry.mustText('name'), [name]: entry.object(name)?.value ?? {} }));
  const config = { 'current-context': reader.mustText('current-context'), clusters: named('cluster'), users: named('user'), contexts: named('context') } as unknown as Kubeconfig;
  resolveContext({ env: {}, config });
  return config;
}
