import type { FlagSpecs } from '../command/flags.ts';
import { createGenerators } from '../generators/create-generators.ts';
import type { Generator } from '../generators/generator.ts';
import { checkedWriteFlags, createObject, dryRunOf, printResult, writeQuery } from '../mutation/mutation.ts';
import { LAST_APPLIED, withLastApplied } from '../apply/last-applied.ts';
import { editObjects } from '../manifests/edit-objects.ts';
import type { KubeObject } from '../../api/object.ts';
import { rawRequest } from '../manifests/raw-request.ts';
import { pathOf } from '../command/resource-mapper.ts';
import { manifestTargets, sourcesGiven, targetFlags, type Target } from '../targets/targets.ts';
import { StatusError } from '../../api/errors.ts';
import { statusText } from '../command/status-text.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { createToken } from './create-token.ts';

const flags = {
  ...checkedWriteFlags('kubectl-create'), ...targetFlags,
  'save-config': { type: 'bool', usage: `If true, the configuration of current object will be saved in its annotation (${LAST_APPLIED}).` },
  edit: { type: 'bool', usage: 'Edit the API resource before creating' },
  raw: { type: 'string', usage: 'A URI of the server that is sent a POST with the file of -f as body.' },
  'windows-line-endings': { type: 'bool', usage: 'With --edit: lines end as on Windows.' },
} as const satisfies FlagSpecs;

const unexpected = ({ args }: Call): string => `Unexpected args: [${args.join(' ')}]\nSee 'kubectl create -h' for help and examples`;

async function createFromFiles(call: Call): Promise<number | void> {
  const { flags: given, session, io } = call;
  if (given.string('raw') && sourcesGiven(given)) {
    if (given.bool('edit')) throw new KubectlError('--raw and --edit are mutually exclusive');
    return rawRequest(call, 'POST');
  }
  if (!sourcesGiven(given)) {
    throw new KubectlError(call.args.length > 0 ? unexpected(call) : 'must specify one of -f and -k');
  }
  if (call.args.length > 0) throw new KubectlError(unexpected(call));
  const targets = await manifestTargets(call);
  if (targets.length === 0) throw new KubectlError('no objects passed to create');
  if (given.bool('edit')) return editThenCreate(call, targets);
  let code = 0;
  for (const { resource, namespace, object, source } of targets) {
    const placed = namespace === undefined ? object! : { ...object!, metadata: { ...object!.metadata, namespace } };
    const body = given.bool('save-config') ? withLastApplied(placed) : placed;
    if (dryRunOf(given) === 'client') {
      printResult(call, resource, body, 'created');
      continue;
    }
    try {
      printResult(call, resource, await session.call('POST', pathOf(resource, { namespace }), { body, query: writeQuery(call, 'kubectl-create') }), 'created');
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      io.err(`${statusText(error).replace(/^Error from server \(\w+\): /, (head) => `${head}error when creating "${source}": `)}\n`);
      code = 1;
    }
  }
  return code;
}

/** `--edit`: what the editor leaves is created. */
function editThenCreate(call: Call, targets: readonly Target[]): Promise<number> {
  const objects = targets.map(({ object }) => object as unknown as KubeObject);
  return editObjects(call, objects, {
    json: call.flags.string('output') === 'json', unchanged: () => call.io.err('Edit cancelled, no changes made.\n'),
    async save(before, after) {
      const { resource, namespace } = targets[objects.indexOf(before)]!;
      const body = call.flags.bool('save-config') ? withLastApplied(after) : after;
      printResult(call, resource, await call.session.call('POST', pathOf(resource, { namespace }), { body, query: writeQuery(call, 'kubectl-create') }), 'created');
    },
  });
}

/** How kubectl calls a kind that could not be created; those that are not here keep the server's words. */
const NOUNS: Readonly<Record<string, string>> = {
  ClusterRoleBinding: 'clusterrolebinding:', ConfigMap: 'configmap:', CronJob: 'cronjob:', Deployment: 'deployment:', Ingress: 'ingress:', Job: 'job:', PodDisruptionBudget: 'poddisruptionbudgets:',
  PriorityClass: 'priorityclass:', ResourceQuota: 'quota:', RoleBinding: 'rolebinding:', Secret: 'secret', Service: 'service:', ServiceAccount: 'serviceaccount:',
};

/** The verb of a noun: its objects made, then created. */
function nounVerb(noun: Generator): Verb {
  const { generate, verbs } = noun;
  return {
    usage: noun.usage, summary: noun.summary, flags: generate ? { ...checkedWriteFlags('kubectl-create'), 'save-config': flags['save-config'], ...noun.flags } : noun.flags,
    ...(verbs && { verbs: nounVerbs(verbs) }),
    ...(generate && {
      run: async (call: Call) => {
        for (const object of await generate(call)) {
          try {
            await createObject(call, call.flags.bool('save-config') ? withLastApplied(object) : object);
          } catch (error) {
            const noun = NOUNS[object.kind];
            if (!(error instanceof StatusError) || noun === undefined) throw error;
            throw new KubectlError(`failed to create ${object.kind === 'Service' ? `${String((object.spec as { type?: string }).type)} ` : ''}${noun} ${error.message}`);
          }
        }
      },
    }),
  };
}

function nounVerbs(nouns: Readonly<Record<string, Generator>>): Record<string, Verb> {
  const made = new Map([...new Set(Object.values(nouns))].map((noun) => [noun, nounVerb(noun)]));
  return Object.fromEntries(Object.entries(nouns).map(([name, noun]) => [name, made.get(noun)!]));
}

export const verb: Verb = { usage: '-f FILENAME', summary: 'Create a resource from a file or from stdin', flags, run: createFromFiles, verbs: { ...nounVerbs(createGenerators), token: createToken } };
