import { StatusError } from '../../api/errors.ts';
import type { TokenRequest } from '../../api/generated/authentication-v1.ts';
import { objectPrinter, outputFlags } from '../printers/object-printer.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const BOUND: Readonly<Record<string, string>> = { Pod: 'v1', Secret: 'v1', Node: 'v1' };

/** Upstream: kubectl pkg/cmd/create/create_token.go. */
export const createToken: Verb = {
  usage: 'SERVICE_ACCOUNT_NAME',
  summary: 'Request a service account token',
  flags: {
    ...outputFlags,
    audience: { type: 'array', usage: 'Audience of the requested token.' },
    duration: { type: 'duration', usage: 'Requested lifetime of the issued token.' },
    'bound-object-kind': { type: 'string', usage: 'Kind of an object to bind the token to. Supported kinds are Node, Pod, Secret.' },
    'bound-object-name': { type: 'string', usage: 'Name of an object to bind the token to.' },
    'bound-object-uid': { type: 'string', usage: 'UID of an object to bind the token to.' },
  },
  async run({ args, flags, session, io }) {
    if (args.length !== 1) throw new KubectlError(`exactly one NAME is required, got ${args.length}\nSee 'kubectl create token -h' for help and examples`);
    const duration = flags.duration('duration');
    if (duration < 0) throw new KubectlError('--duration must be greater than or equal to 0');
    const [kind, name, uid] = [flags.string('bound-object-kind'), flags.string('bound-object-name'), flags.string('bound-object-uid')];
    if (!kind && name) throw new KubectlError('--bound-object-name can only be set if --bound-object-kind is provided');
    if (!kind && uid) throw new KubectlError('--bound-object-uid can only be set if --bound-object-kind is provided');
    if (kind && !BOUND[kind]) throw new KubectlError(`supported --bound-object-kind values are ${Object.keys(BOUND).toSorted().join(', ')}`);
    if (kind && !name) throw new KubectlError('--bound-object-name is required if --bound-object-kind is provided');
    const audiences = flags.strings('audience');
    const spec = { audiences: audiences.length > 0 ? audiences : null, ...(duration > 0 && { expirationSeconds: Math.round(duration / 1000) }), ...(kind && { boundObjectRef: { apiVersion: BOUND[kind], kind, name, ...(uid && { uid }) } }) };
    const path = `/api/v1/namespaces/${await session.namespace()}/serviceaccounts/${encodeURIComponent(args[0]!)}/token`;
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec };
    const answer = await session.call<TokenRequest>('POST', path, { body }).catch((error: unknown) => {
      if (!(error instanceof StatusError)) throw error;
      throw new KubectlError(`failed to create token: ${error.message}`);
    });
    if (!answer.status?.token) throw new KubectlError('failed to create token: no token in server response');
    const printer = objectPrinter(flags);
    io.out(printer ? printer(answer) : io.terminal ? `${answer.status.token}\n` : answer.status.token);
  },
};
