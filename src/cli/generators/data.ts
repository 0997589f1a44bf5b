import { readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { FlagSpecs } from '../command/flags.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import type { Call } from '../command/verb.ts';
import { namedHash } from '../kustomize/content-hash.ts';
import { dataKeyFault, envNameFault } from '../mutation/valid-keys.ts';
import { nameOf } from './generator-arguments.ts';
import type { Generated, Generator } from './generator.ts';

function readBytes(file: string, fault: (why: string) => string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new KubectlError(fault('no such file or directory'));
  }
}

/** `--from-literal`, `--from-file`, `--from-env-file` as pairs of key and bytes. */
function dataOf(call: Call, kind: 'ConfigMap' | 'Secret' = 'Secret'): [string, Buffer][] {
  const pairs: [string, Buffer][] = [];
  if (call.flags.has('from-env-file') && call.flags.strings('from-env-file').length > 0 && (call.flags.strings('from-file').length > 0 || call.flags.strings('from-literal').length > 0)) throw new KubectlError('from-env-file cannot be combined with from-file or from-literal');
  for (const literal of call.flags.has('from-literal') ? call.flags.strings('from-literal') : []) {
    const equals = literal.indexOf('=');
    if (equals < 1) throw new KubectlError(`invalid literal source ${literal}, expected key=value`);
    pairs.push([literal.slice(0, equals), Buffer.from(literal.slice(equals + 1).replace(/^(['"])(.*)\1$/, '$2'))]);
  }
  for (const source of call.flags.strings('from-file')) {
    const equals = source.indexOf('=');
    const file = equals < 0 ? source : source.slice(equals + 1);
    if (source.split('=').length > 2) throw new KubectlError("key names or file paths cannot contain '='");
    if (equals === 0) throw new KubectlError(`key name for file path ${file} missing`);
    if (equals >= 0 && file === '') throw new KubectlError(`file path for key name ${source.slice(0, equals)} missing`);
    let folder;
    try {
      folder = statSync(file).isDirectory();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new KubectlError(`error reading ${file}: no such file or directory`);
    }
    if (folder) {
      for (const name of readdirSync(file).toSorted()) if (statSync(join(file, name)).isFile()) pairs.push([name, readFileSync(join(file, name))]);
    } else {
      pairs.push([equals < 0 ? basename(file) : source.slice(0, equals), readFileSync(file)]);
    }
  }
  for (const file of call.flags.has('from-env-file') ? call.flags.strings('from-env-file') : []) {
    for (const line of readBytes(file, (why) => `error reading ${file}: ${why}`).toString().split('\n')) {
      const text = line.trimStart();
      if (text === '' || text.startsWith('#')) continue;
      const equals = text.indexOf('=');
      const fault = envNameFault(equals < 0 ? text : text.slice(0, equals));
      if (fault) throw new KubectlError(fault);
      pairs.push(equals < 0 ? [text, Buffer.from(call.io.env[text] ?? '')] : [text.slice(0, equals), Buffer.from(text.slice(equals + 1))]);
    }
  }
  const seen = new Set<string>();
  for (const [key] of pairs) {
    if (seen.has(key)) throw new KubectlError(`cannot add key "${key}", another key by that name already exists${kind === 'ConfigMap' ? ` in Data for ConfigMap "${call.args[0]}"` : ''}`);
    const fault = dataKeyFault(key);
    if (fault) throw new KubectlError(kind === 'ConfigMap' ? `"${key}" is not a valid key name for a ConfigMap: ${fault}` : fault);
    seen.add(key);
  }
  return pairs;
}

const dataFlags = {
  'from-literal': { type: 'array', usage: 'Specify a key and literal value to insert (i.e. mykey=somevalue)' },
  'from-file': { type: 'array', usage: 'Key file can be specified using its file path, or with a key and a file path' },
  'from-env-file': { type: 'array', usage: 'Specify the path to a file to read lines of key=val pairs' },
} as const satisfies FlagSpecs;

const hashFlag = { 'append-hash': { type: 'bool', usage: 'Put a hash of the content behind the name, so that changed content gets a new name.' } } as const satisfies FlagSpecs;

/** With `--append-hash` the name ends in a hash of the content. */
function hashed(call: Call, object: Generated): Generated[] {
  return [call.flags.bool('append-hash') ? { ...object, metadata: { ...object.metadata, name: `${object.metadata.name}-${namedHash(object as unknown as Record<string, unknown>)}` } } : object];
}

function secretType(call: Call, type: string, data: readonly [string, Buffer][]): Generated[] {
  const encoded = data.length > 0 && { data: Object.fromEntries(data.map(([key, bytes]) => [key, bytes.toString('base64')])) };
  return hashed(call, { apiVersion: 'v1', kind: 'Secret', metadata: { name: nameOf(call) }, ...encoded, ...(type && { type }) });
}

export const configMapGenerator: Generator = {
  usage: 'NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]', summary: 'Create a config map from a local file, directory or literal value', flags: { ...dataFlags, ...hashFlag },
  generate(call) {
    const data: Record<string, string> = {};
    const binaryData: Record<string, string> = {};
    for (const [key, bytes] of dataOf(call, 'ConfigMap')) {
      const text = bytes.toString('utf8');
      if (Buffer.from(text).equals(bytes)) data[key] = text;
      else binaryData[key] = bytes.toString('base64');
    }
    return hashed(call, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: nameOf(call) }, ...(Object.keys(data).length > 0 && { data }), ...(Object.keys(binaryData).length > 0 && { binaryData }) });
  },
};

function certificateFile(call: Call, flag: 'cert' | 'key'): Buffer {
  if (!call.flags.string('cert') || !call.flags.string('key')) throw new KubectlError('key and cert must be specified');
  return readBytes(call.flags.string(flag), (why) => `Cannot read file ${call.flags.string(flag)}, open ${call.flags.string(flag)}: ${why}`);
}

export const secretGenerator: Generator = {
  usage: '(docker-registry | generic | tls)', summary: 'Create a secret using a specified subcommand', flags: {},
  verbs: {
    generic: {
      usage: 'NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]', summary: 'Create a secret from a local file, directory, or literal value',
      flags: { ...dataFlags, ...hashFlag, type: { type: 'string', usage: 'The type of secret to create' } },
      generate: (call) => secretType(call, call.flags.string('type'), dataOf(call)),
    },
    tls: {
      usage: 'NAME --cert=path/to/cert/file --key=path/to/key/file [--dry-run=server|client|none]', summary: 'Create a TLS secret',
      flags: { ...hashFlag, cert: { type: 'string', usage: 'Path to PEM encoded public key certificate.' }, key: { type: 'string', usage: 'Path to private key associated with given certificate.' } },
      generate: (call) => secretType(call, 'kubernetes.io/tls', [['tls.crt', certificateFile(call, 'cert')], ['tls.key', certificateFile(call, 'key')]]),
    },
    'docker-registry': {
      usage: 'NAME --docker-username=user --docker-password=password --docker-email=email [--docker-server=string] [--from-file=[key=]source] [--dry-run=server|client|none]', summary: 'Create a secret for use with a Docker registry',
      flags: {
        ...hashFlag, 'from-file': { type: 'array', usage: 'A file with the credentials, as .dockerconfigjson: in the place of server, user and password.' },
        'docker-server': { type: 'string', default: 'https://index.docker.io/v1/', usage: 'Server location for Docker registry' }, 'docker-username': { type: 'string', usage: 'Username for Docker registry authentication' },
        'docker-password': { type: 'string', usage: 'Password for Docker registry authentication' }, 'docker-email': { type: 'string', usage: 'Email for Docker registry' },
      },
      generate(call) {
        if (call.flags.strings('from-file').length > 0) return secretType(call, 'kubernetes.io/dockerconfigjson', dataOf(call).map(([key, bytes]) => [key === '.dockerconfigjson' || call.flags.strings('from-file').length > 1 ? key : '.dockerconfigjson', bytes]));
        if (!call.flags.string('docker-username') || !call.flags.string('docker-password')) throw new KubectlError('either --from-file or the combination of --docker-username, --docker-password and --docker-server is required');
        const [username, password, email] = [call.flags.string('docker-username'), call.flags.string('docker-password'), call.flags.string('docker-email')];
        const auth = Buffer.from(`${username}:${password}`).toString('base64');
        const config = { auths: { [call.flags.string('docker-server')]: { username, password, ...(email && { email }), auth } } };
        return secretType(call, 'kubernetes.io/dockerconfigjson', [['.dockerconfigjson', Buffer.from(JSON.stringify(config))]]);
      },
    },
  },
};
