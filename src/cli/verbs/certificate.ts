import { isReason } from '../../api/errors.ts';
import type { CertificateSigningRequest } from '../../api/generated/certificates-v1.ts';
import { rfc3339, systemClock } from '../../base/clock.ts';
import { printResult } from '../mutation/mutation.ts';
import { listTargets } from '../targets/selected-targets.ts';
import { fileFlags, sourcesGiven, targetPath } from '../targets/targets.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { outputFlags } from '../printers/object-printer.ts';

function decisionVerb(type: 'Approved' | 'Denied', word: 'approve' | 'deny'): Verb {
  const done = type.toLowerCase();
  return {
    usage: '(-f FILENAME | NAME)',
    summary: `${word === 'approve' ? 'Approve' : 'Deny'} a certificate signing request`,
    flags: { ...outputFlags, ...fileFlags, force: { type: 'bool', usage: 'Update the CSR even if it is already decided.' } },
    async run(call) {
      const { flags, session } = call;
      if (call.args.length === 0 && !sourcesGiven(flags)) throw new KubectlError('one or more CSRs must be specified as <name> or -f <filename>');
      const args = sourcesGiven(flags) ? [] : ['certificatesigningrequests', ...call.args];
      for (const target of await listTargets(call, { args })) {
        for (let attempt = 0; ; attempt++) {
          const request = await session.json<CertificateSigningRequest>(targetPath(target));
          const conditions = request.status?.conditions ?? [];
          const other = conditions.find((condition) => condition.type === (type === 'Approved' ? 'Denied' : 'Approved'));
          if (other) throw new KubectlError(`certificate signing request "${target.name}" is already ${other.type}`);
          if (conditions.some((condition) => condition.type === type) && !flags.bool('force')) {
            printResult(call, target.resource, request, done);
            break;
          }
          const now = rfc3339(systemClock.now());
          const decision = { type, status: 'True', reason: `Kubectl${type === 'Approved' ? 'Approve' : 'Deny'}`, message: `This CSR was ${done} by kubectl certificate ${word}.`, lastUpdateTime: now };
          try {
            const body = { ...request, status: { ...request.status, conditions: [...conditions.filter((condition) => condition.type !== type), decision] } };
            printResult(call, target.resource, await session.call('PUT', targetPath(target, 'approval'), { body }), done);
            break;
          } catch (error) {
            if (!isReason(error, 'Conflict') || attempt >= 10) throw error; // read anew and decided again
          }
        }
      }
    },
  };
}

/** Upstream: kubectl pkg/cmd/certificates. */
export const verb: Verb = {
  usage: 'SUBCOMMAND',
  summary: 'Modify certificate resources',
  flags: {},
  withoutVerb: { helpTo: 'out', code: 0 },
  verbs: { approve: decisionVerb('Approved', 'approve'), deny: decisionVerb('Denied', 'deny') },
};
