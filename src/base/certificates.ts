import { createHash, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import type * as x509Library from '@peculiar/x509';

/** PEM of a private key (PKCS #8) and of the certificate over its public half. */
export interface KeyPair {
  readonly key: string;
  readonly certificate: string;
}

/** How a certificate may be used, in the words of `CertificateSigningRequest.spec.usages`. */
export type CertificateUsage = 'signing' | 'digital signature' | 'content commitment' | 'key encipherment' | 'key agreement' | 'data encipherment'
  | 'cert sign' | 'crl sign' | 'server auth' | 'client auth' | (string & {});

/** The subject and the names of a certificate or of a request for one. */
export interface CertificateNames {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  /** IPv4 or IPv6 in text form. */
  readonly addresses: readonly string[];
}

export interface CertificateDescription {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
  /** Default `digital signature`, `key encipherment` and what the certificate is for: `server auth`, `client auth`. */
  readonly usages: readonly CertificateUsage[];
  readonly days: number;
  /** Milliseconds since 1970. Valid from five minutes before, since clocks differ. */
  readonly now: number;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY = 86_400_000;
const BACKDATE = 5 * 60_000;

let library: Promise<typeof x509Library> | undefined;

/** Loaded when first needed: reading it takes longer than a whole issue, and a cluster that exists already issues nothing at its start. */
function x509(): Promise<typeof x509Library> {
  library ??= import('reflect-metadata').then(() => import('@peculiar/x509'));
  return library;
}

/** A self-signed certificate authority (P-256) named `name`. */
export async function createAuthority(name: string, options: { readonly now: number; readonly days?: number }): Promise<KeyPair> {
  const { X509CertificateGenerator, BasicConstraintsExtension, KeyUsagesExtension, KeyUsageFlags, SubjectKeyIdentifierExtension } = await x509();
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: [{ CN: [name] }],
    notBefore: new Date(options.now - BACKDATE),
    notAfter: new Date(options.now + (options.days ?? 3650) * DAY),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment | KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { key: await keyPem(keys.privateKey), certificate: pem(certificate) };
}

/** A new P-256 key and a certificate over it, signed by `authority`. */
export async function issueCertificate(authority: KeyPair, description: CertificateDescription): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificate = await sign(authority, keys.publicKey, {
    commonName: description.commonName,
    organizations: description.organizations ?? [],
    dnsNames: description.dnsNames ?? [],
    addresses: description.addresses ?? [],
  }, { usages: ['digital signature', 'key encipherment', ...description.usages], notBefore: description.now - BACKDATE, notAfter: description.now + description.days * DAY });
  return { key: await keyPem(keys.privateKey), certificate };
}

/** A private key and a request (PKCS #10, PEM) for a certificate over it. */
export async function createRequest(names: Partial<CertificateNames> & { readonly commonName: string }): Promise<{ readonly key: string; readonly request: string }> {
  const { Pkcs10CertificateRequestGenerator } = await x509();
  const keys = await generateKeys();
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: subject(names.commonName, names.organizations ?? []), keys, signingAlgorithm: ALGORITHM,
    extensions: await alternativeNames(names.dnsNames ?? [], names.addresses ?? []),
  });
  return { key: await keyPem(keys.privateKey), request: pem(request) };
}

/** What a PKCS #10 request asks for. Throws where it cannot be read or is not signed by its own key. */
export async function readRequest(requestPem: string): Promise<CertificateNames & { readonly emailAddresses: readonly string[]; readonly uris: readonly string[] }> {
  const { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } = await x509();
  const request = new Pkcs10CertificateRequest(requestPem);
  if (!(await request.verify())) throw new Error('the signature of the certificate request does not match its key');
  const names = request.extensions.find((e) => e instanceof SubjectAlternativeNameExtension)?.names.items ?? [];
  const of = (type: string): string[] => names.filter((n) => n.type === type).map((n) => n.value);
  return {
    commonName: request.subjectName.getField('CN')[0] ?? '', organizations: request.subjectName.getField('O'),
    dnsNames: of('dns'), addresses: of('ip'), emailAddresses: of('email'), uris: of('url'),
  };
}

/** Signs what `requestPem` asks for; validity in milliseconds since 1970. Answers the certificate as PEM. */
export async function signRequest(authority: KeyPair, requestPem: string,
  terms: { readonly usages: readonly CertificateUsage[]; readonly notBefore: number; readonly notAfter: number }): Promise<string> {
  const { Pkcs10CertificateRequest } = await x509();
  const names = await readRequest(requestPem);
  const key = await new Pkcs10CertificateRequest(requestPem).publicKey.export();
  return sign(authority, key, names, terms);
}

/** What a certificate (PEM or DER) says of its holder and its time. `fingerprint` is the SHA-256 of the DER in lower-case hex. */
export function readCertificate(certificate: string | Uint8Array): CertificateNames & { readonly notBefore: number; readonly notAfter: number; readonly fingerprint: string } {
  const parsed = new X509Certificate(certificate);
  const named = parsed.toLegacyObject().subject as unknown as Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  const all = (field: string): readonly string[] => {
    const value = named?.[field];
    return value === undefined ? [] : typeof value === 'string' ? [value] : value;
  };
  const alternatives = parsed.subjectAltName?.split(', ') ?? [];
  const of = (prefix: string): string[] => alternatives.filter((a) => a.startsWith(prefix)).map((a) => a.slice(prefix.length));
  return {
    // Where there are several common names Go takes the last.
    commonName: all('CN').at(-1) ?? '', organizations: all('O'), dnsNames: of('DNS:'), addresses: of('IP Address:'),
    notBefore: parsed.validFromDate.getTime(), notAfter: parsed.validToDate.getTime(),
    fingerprint: createHash('sha256').update(parsed.raw).digest('hex'),
  };
}

async function sign(authority: KeyPair, publicKey: webcrypto.CryptoKey, names: CertificateNames,
  terms: { readonly usages: readonly CertificateUsage[]; readonly notBefore: number; readonly notAfter: number }): Promise<string> {
  const { X509Certificate: Parsed, X509CertificateGenerator, AuthorityKeyIdentifierExtension, BasicConstraintsExtension, SubjectKeyIdentifierExtension } = await x509();
  const issuer = new Parsed(authority.certificate);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: subject(names.commonName, names.organizations),
    issuer: issuer.subject,
    notBefore: new Date(terms.notBefore),
    // Nothing outlives its issuer.
    notAfter: new Date(Math.min(terms.notAfter, issuer.notAfter.getTime())),
    signingAlgorithm: ALGORITHM,
    publicKey,
    signingKey: await webcrypto.subtle.importKey('pkcs8', pemBytes(authority.key), ALGORITHM, false, ['sign']),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      ...(await usageExtensions(terms.usages)),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      await SubjectKeyIdentifierExtension.create(publicKey),
      ...(await alternativeNames(names.dnsNames, names.addresses)),
    ],
  });
  return pem(certificate);
}

async function usageExtensions(usages: readonly CertificateUsage[]): Promise<x509Library.Extension[]> {
  const { ExtendedKeyUsage, ExtendedKeyUsageExtension, KeyUsageFlags: flag, KeyUsagesExtension } = await x509();
  const flags: Readonly<Record<string, number>> = {
    'signing': flag.digitalSignature, 'digital signature': flag.digitalSignature, 'content commitment': flag.nonRepudiation,
    'key encipherment': flag.keyEncipherment, 'key agreement': flag.keyAgreement, 'data encipherment': flag.dataEncipherment,
    'cert sign': flag.keyCertSign, 'crl sign': flag.cRLSign,
  };
  const extended: Readonly<Record<string, string>> = {
    'server auth': ExtendedKeyUsage.serverAuth, 'client auth': ExtendedKeyUsage.clientAuth, 'code signing': ExtendedKeyUsage.codeSigning,
    'email protection': ExtendedKeyUsage.emailProtection, 'timestamping': ExtendedKeyUsage.timeStamping, 'ocsp signing': ExtendedKeyUsage.ocspSigning,
  };
  const combined = usages.reduce((sum, usage) => sum | (flags[usage] ?? 0), 0);
  const purposes = [...new Set(usages.flatMap((usage) => extended[usage] ?? []))];
  return [new KeyUsagesExtension(combined, true), ...(purposes.length ? [new ExtendedKeyUsageExtension(purposes)] : [])];
}

async function alternativeNames(dnsNames: readonly string[], addresses: readonly string[]): Promise<x509Library.Extension[]> {
  if (dnsNames.length + addresses.length === 0) return [];
  const { SubjectAlternativeNameExtension } = await x509();
  return [new SubjectAlternativeNameExtension([
    ...dnsNames.map((value) => ({ type: 'dns' as const, value })), ...addresses.map((value) => ({ type: 'ip' as const, value })),
  ])];
}

const subject = (commonName: string, organizations: readonly string[]): Record<string, string[]>[] =>
  [...organizations.map((value) => ({ O: [value] })), { CN: [commonName] }];

const generateKeys = (): Promise<webcrypto.CryptoKeyPair> => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;

/** 127 random bits: positive and of no more than the 20 octets that RFC 5280 allows. */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}

const pem = (value: { toString(format: 'pem'): string }): string => `${value.toString('pem')}\n`;

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const body = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`;
}

const pemBytes = (text: string): Buffer => Buffer.from(text.replace(/-----[^-]+-----|\s/g, ''), 'base64');
