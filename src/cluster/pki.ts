import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createAuthority, issueCertificate, readCertificate, type KeyPair } from '../base/certificates.ts';
import { UserError } from '../base/user-error.ts';
import type { AddressPlan } from '../machine/address-plan.ts';
import type { Profile } from './profile.ts';

/** All keys of a cluster: `pki.json` in its folder, readable by the owner alone. */
export interface ClusterPki {
  readonly authority: KeyPair;
  /** PEM, EC P-256: signs service account tokens. */
  readonly serviceAccountKey: string;
  readonly server: KeyPair;
  /** How the API server shows itself to kubelets. */
  readonly kubeletClient: KeyPair;
  /** `kubernetes-admin` of group `system:masters`, for the kubeconfig. */
  readonly admin: KeyPair;
}

const YEARS = 10 * 365;

export async function createPki(plan: AddressPlan, now: number): Promise<ClusterPki> {
  const authority = await createAuthority('wherry-ca', { now, days: YEARS });
  const [server, kubeletClient, admin] = await Promise.all([
    issueServerCertificate(authority, ['127.0.0.1', '::1', plan.host, plan.apiService], now),
    issueCertificate(authority, { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'], usages: ['client auth'], now, days: YEARS }),
    issueCertificate(authority, { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client auth'], now, days: YEARS }),
  ]);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { authority, serviceAccountKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, server, kubeletClient, admin: { ...admin, key: namedByAlgorithm(admin.key) } };
}

function issueServerCertificate(authority: KeyPair, addresses: readonly string[], now: number): Promise<KeyPair> {
  return issueCertificate(authority, {
    commonName: 'kube-apiserver', usages: ['server auth'], now, days: YEARS, addresses,
    dnsNames: ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'],
  });
}

/** Sees to it that the server's certificate is good for the address, too. */
export async function certifyAddress(profile: Profile, pki: ClusterPki, plan: AddressPlan, address: string, now: number): Promise<ClusterPki> {
  if (readCertificate(pki.server.certificate).addresses.includes(address)) return pki;
  const certified = { ...pki, server: await issueServerCertificate(pki.authority, ['127.0.0.1', '::1', plan.host, plan.apiService, address], now) };
  writePki(profile, certified);
  return certified;
}

function writePki(profile: Profile, pki: ClusterPki): void {
  mkdirSync(profile.folder, { recursive: true, mode: 0o700 });
  writeFileSync(`${profile.pkiFile}.new`, `${JSON.stringify(pki, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${profile.pkiFile}.new`, profile.pkiFile);
}

/** The key as `EC PRIVATE KEY` (SEC 1): Java's client fabric8 takes a `PRIVATE KEY` (PKCS #8) in a kubeconfig for one of RSA. */
function namedByAlgorithm(key: string): string {
  return createPrivateKey(key).export({ type: 'sec1', format: 'pem' }) as string;
}

/** One certificate for both ends of a node's conversations: client of the API server, server of the kubelet. */
export function issueNodeCertificate(pki: ClusterPki, node: string, address: string, now: number): Promise<KeyPair> {
  return issueCertificate(pki.authority, {
    commonName: `system:node:${node}`, organizations: ['system:nodes'], usages: ['client auth', 'server auth'],
    dnsNames: [node, 'localhost'], addresses: [address, '127.0.0.1'], now, days: YEARS,
  });
}

export async function loadOrCreatePki(profile: Profile, plan: AddressPlan, now: number): Promise<ClusterPki> {
  let text: string;
  try {
    text = readFileSync(profile.pkiFile, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const pki = await createPki(plan, now);
    writePki(profile, pki);
    return pki;
  }
  try {
    return JSON.parse(text) as ClusterPki;
  } catch (error) {
    throw new UserError(`the keys of the cluster in ${profile.pkiFile} are damaged: ${(error as Error).message}`, `restore the file, or remove the cluster: wherry delete --profile ${profile.name}`);
  }
}
