import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCertificate, type KeyPair } from '../../base/certificates.ts';
import { readIfThere } from '../../base/read-if-there.ts';
import type { Profile } from '../profile.ts';

/** What a joined node has instead of the cluster's keys: `identity.json` in its folder, readable by the owner alone. */
export interface Identity {
  /** PEM. */
  readonly authority: string;
  readonly node: string;
  readonly client: KeyPair;
  /** Of the kubelet; absent until the node knows its address. */
  readonly serving?: KeyPair;
}

const fileOf = (profile: Profile): string => join(profile.folder, 'identity.json');

/** Undefined where there is none. */
export function readIdentity(profile: Profile): Identity | undefined {
  const text = readIfThere(fileOf(profile));
  return text === undefined ? undefined : (JSON.parse(text) as Identity);
}

export function writeIdentity(profile: Profile, identity: Identity): void {
  const file = fileOf(profile);
  writeFileSync(`${file}.new`, `${JSON.stringify(identity, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Whether so little of its time is left (three tenths, as with kubelets) that it is to be renewed; `now` in milliseconds since 1970. */
export function isOld({ certificate }: KeyPair, now: number): boolean {
  const { notBefore, notAfter } = readCertificate(certificate);
  return now > notAfter - 0.3 * (notAfter - notBefore);
}

/** The machine's WireGuard keys, base64; made when first asked for. */
export function wireguardKeys(profile: Profile): { readonly privateKey: string; readonly publicKey: string } {
  const file = join(profile.folder, 'wireguard.key');
  let privateKey = readIfThere(file)?.trim();
  if (privateKey === undefined) {
    privateKey = generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32).toString('base64');
    writeFileSync(file, `${privateKey}\n`, { mode: 0o600 });
  }
  return { privateKey, publicKey: wireguardPublicKey(privateKey) };
}

/** What comes before the 32 bytes of an X25519 key in PKCS #8. */
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');

export function wireguardPublicKey(privateKey: string): string {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_X25519, Buffer.from(privateKey, 'base64')]), format: 'der', type: 'pkcs8' });
  return createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');
}
