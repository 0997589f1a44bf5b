import type { ConfigMap, Container, EnvVar, Secret } from '../../api/generated/core-v1.ts';
import { isReason } from '../../api/errors.ts';
import { milliValue, quantityValue } from '../../api/quantity.ts';
import { changeContainers, checkSetFlags, containersFlag, isChosen, setFlags } from '../mutation/change-containers.ts';
import { currentObject } from '../mutation/patch-object.ts';
import { findAll } from '../printers/jsonpath.ts';
import { podSpecOf } from '../mutation/pod-spec-of.ts';
import { mergePatchBetween } from '../patches/three-way-merge.ts';
import { listTargets, type NamedTarget } from '../targets/selected-targets.ts';
import { resolveTargets, sourcesGiven, targetPath } from '../targets/targets.ts';
import { envNameFault } from '../mutation/valid-keys.ts';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** What the call does to variables: those it sets, in order, and those it takes away. */
interface Changes {
  readonly set: readonly EnvVar[];
  readonly remove: readonly string[];
}

/** Upstream: kubectl pkg/cmd/set/set_env.go. */
export const setEnv: Verb = {
  usage: 'RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N', summary: 'Update environment variables on a pod template',
  flags: {
    ...setFlags, ...containersFlag,
    env: { short: 'e', type: 'array', usage: 'A variable as KEY=VALUE; a - reads such lines from standard input.' },
    from: { type: 'string', usage: 'A config map or secret whose keys become variables: configmap/NAME or secret/NAME.' },
    keys: { type: 'strings', usage: 'Which keys to take of what --from names; all without it.' },
    list: { type: 'bool', usage: 'Print the variables, with the changes, instead of writing them.' },
    overwrite: { type: 'bool', default: true, usage: 'Whether variables that are there may be changed; if not, that is refused.' },
    prefix: { type: 'string', usage: 'What to put before the names of the variables.' },
    resolve: { type: 'bool', usage: 'With --list: show the values of secrets and config maps instead of references.' },
  },
  async run(call) {
    const { flags: given, args } = call;
    checkSetFlags(call);
    const isChange = (word: string): boolean => word === '-' || /^[^/=]+-$/.test(word) || /^[^/=][^=]*=/s.test(word);
    const changeWords = args.filter((word, i) => (i > 0 || sourcesGiven(given)) && isChange(word));
    const names = args.filter((word) => !changeWords.includes(word));
    if (!sourcesGiven(given) && names.length === 0) throw new KubectlError('one or more resources must be specified as <resource> <name> or <resource>/<name>');
    if (given.bool('list') && given.string('output')) throw new KubectlError('--list and --output may not be specified together');
    if (given.strings('keys').length > 0 && !given.string('from')) throw new KubectlError('when specifying --keys, a configmap or secret must be provided with --from');
    const changes = await changesOf(call, [...given.strings('env'), ...changeWords]);
    const targets = await listTargets(call, { args: names });
    const chosen = (container: Container): boolean => isChosen(container, given.string('containers'));
    if (given.bool('list')) return list(call, targets, changes, chosen);
    if (!given.bool('overwrite')) await refuseOverwrites(call, targets, changes, chosen);
    for (const target of targets) await warnOfNone(call, target, chosen);
    await changeContainers(call, targets, 'env updated', 'failed to patch env update to pod template:', (container) => {
      if (!chosen(container) || changes.set.length + changes.remove.length === 0) return undefined;
      // A variable takes the value or the reference, not both.
      const set = changes.set.flatMap((variable) => {
        const patch = mergePatchBetween((container.env ?? []).find(({ name }) => name === variable.name) ?? {}, variable);
        return patch === undefined ? [] : [{ ...patch, name: variable.name } as never];
      });
      const gone = changes.remove.filter((name) => container.env?.some((one) => one.name === name));
      if (set.length + gone.length === 0) return undefined;
      const order = changed(container.env ?? [], changes).map(({ name }) => ({ name }));
      return { env: [...set, ...gone.map((name) => ({ name, $patch: 'delete' }) as never)], ['$setElementOrder/env']: order } as Partial<Container>;
    });
  },
};

async function changesOf(call: Call, words: readonly string[]): Promise<Changes> {
  const { flags: given, io } = call;
  const lines = (await Promise.all(words.map(async (word) => (word === '-' ? (await io.readInput()).split('\n').map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#')) : [word])))).flat();
  const remove: string[] = [];
  const set: EnvVar[] = [];
  for (const line of lines) {
    const equals = line.indexOf('=');
    if (equals > 0) {
      const name = line.slice(0, equals);
      const fault = envNameFault(name);
      if (fault) throw new KubectlError(fault);
      set.push({ name, value: line.slice(equals + 1) });
    } else if (line.endsWith('-')) remove.push(line.slice(0, -1));
    else throw new KubectlError(`unknown argument: ${line}`);
  }
  const both = set.find(({ name }) => remove.includes(name));
  if (both) throw new KubectlError(`can not both modify and remove the same environment variable in the same command`);
  if (given.string('from')) set.push(...await variablesFrom(call, given.string('from')));
  const prefix = given.string('prefix');
  return { remove, set: prefix ? set.map((variable) => ({ ...variable, name: prefix + variable.name })) : set };
}

/** A variable for each key of the config map or secret, named after it in capitals. */
async function variablesFrom(call: Call, from: string): Promise<EnvVar[]> {
  const { flags: given, session } = call;
  const [target] = await resolveTargets({ ...call, flags: given }, { args: [from] });
  if (!target?.name) throw new KubectlError('resource(s) were provided, but no name was specified');
  const { kind } = target.resource;
  if (kind !== 'ConfigMap' && kind !== 'Secret') throw new KubectlError('unsupported resource specified in --from');
  const { data = {} } = await session.json<ConfigMap | Secret>(targetPath(target));
  const wanted = given.strings('keys');
  const nameOf = (key: string): string => key.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_');
  const keys = Object.keys(data).filter((key) => wanted.length === 0 || wanted.includes(key)).toSorted();
  for (const key of keys) if (nameOf(key) !== key) call.io.err(`Warning: key ${key} transferred to ${nameOf(key)}\n`);
  return keys.map((key) => ({
    name: nameOf(key), valueFrom: { [kind === 'Secret' ? 'secretKeyRef' : 'configMapKeyRef']: { key, name: target.name } },
  }) as EnvVar);
}

/** The variables as the changes leave them. */
function changed(env: readonly EnvVar[], { set, remove }: Changes): EnvVar[] {
  const kept = env.filter(({ name }) => !remove.includes(name)).map((one) => set.findLast(({ name }) => name === one.name) ?? one);
  return [...kept, ...set.filter(({ name }) => !env.some((one) => one.name === name))];
}

async function refuseOverwrites(call: Call, targets: readonly NamedTarget[], { set }: Changes, chosen: (container: Container) => boolean): Promise<void> {
  for (const target of targets) {
    const { containers, initContainers = [] } = podSpecOf(await currentObject(call, target), target.resource.resource);
    for (const { env = [] } of [...containers, ...initContainers].filter(chosen)) {
      const there = set.map(({ name }) => env.find((one) => one.name === name)).find((one) => one !== undefined);
      if (there) throw new KubectlError(`${target.resource.resource}/${target.name} '${there.name}' already has a value (${there.value ?? ''}), and --overwrite is false`);
    }
  }
}

async function warnOfNone(call: Call, target: NamedTarget, chosen: (container: Container) => boolean): Promise<void> {
  const { containers, initContainers = [] } = podSpecOf(await currentObject(call, target), target.resource.resource);
  if (![...containers, ...initContainers].some(chosen)) call.io.err(`Warning: ${target.resource.kind}/${target.name} does not have any containers matching "${call.flags.string('containers')}"\n`);
}

async function list(call: Call, targets: readonly NamedTarget[], changes: Changes, chosen: (container: Container) => boolean): Promise<void> {
  const { io, flags: given } = call;
  for (const target of targets) {
    const object = await currentObject(call, target);
    const { containers, initContainers = [] } = podSpecOf(object);
    const shown = [...containers, ...initContainers].filter(chosen);
    if (shown.length === 0) await warnOfNone(call, target, chosen);
    for (const container of shown) {
      io.out(`# ${target.resource.kind} ${target.name}, container ${container.name}\n`);
      const faults = new Map<string, string[]>();
      for (const variable of changed(container.env ?? [], changes)) {
        if (!variable.valueFrom) io.out(`${variable.name}=${variable.value ?? ''}\n`);
        else if (!given.bool('resolve')) io.out(`# ${variable.name} from ${referenceText(variable)}\n`);
        else {
          try {
            io.out(`${variable.name}=${await resolved(call, variable, object, container)}\n`);
          } catch (error) {
            if (!(error instanceof KubectlError) && !isReason(error, 'NotFound')) throw error;
            io.out(`# ${variable.name} from ${referenceText(variable)}\n`);
            faults.set((error as Error).message, [...(faults.get((error as Error).message) ?? []), variable.name]);
          }
        }
      }
      for (const [fault, names] of faults) io.err(`error retrieving reference for ${names.toSorted().join(', ')}: ${fault}\n`);
    }
  }
}

function referenceText({ valueFrom }: EnvVar): string {
  if (valueFrom?.fieldRef) return `field path ${valueFrom.fieldRef.fieldPath}`;
  if (valueFrom?.resourceFieldRef) return `resource field ${valueFrom.resourceFieldRef.containerName ? `${valueFrom.resourceFieldRef.containerName}.` : ''}${valueFrom.resourceFieldRef.resource}`;
  if (valueFrom?.secretKeyRef) return `secret ${valueFrom.secretKeyRef.name}, key ${valueFrom.secretKeyRef.key}`;
  if (valueFrom?.configMapKeyRef) return `configmap ${valueFrom.configMapKeyRef.name}, key ${valueFrom.configMapKeyRef.key}`;
  return 'invalid valueFrom';
}

/** The value that a reference stands for. Throws KubectlError or NotFound where there is none. */
async function resolved({ session }: Call, { valueFrom }: EnvVar, object: unknown, container: Container): Promise<string> {
  const namespace = await session.namespace();
  if (valueFrom?.secretKeyRef) {
    const { name = '', key } = valueFrom.secretKeyRef;
    const value = (await session.json<Secret>(`/api/v1/namespaces/${namespace}/secrets/${name}`)).data?.[key];
    if (value === undefined) throw new KubectlError(`key ${key} not found in secret ${name}`);
    return Buffer.from(value, 'base64').toString();
  }
  if (valueFrom?.configMapKeyRef) {
    const { name = '', key } = valueFrom.configMapKeyRef;
    const value = (await session.json<ConfigMap>(`/api/v1/namespaces/${namespace}/configmaps/${name}`)).data?.[key];
    if (value === undefined) throw new KubectlError(`key ${key} not found in config map ${name}`);
    return value;
  }
  if (valueFrom?.fieldRef && !/^metadata\.(name|namespace|uid|labels|annotations)/.test(valueFrom.fieldRef.fieldPath)) throw new KubectlError(`unsupported fieldPath: ${valueFrom.fieldRef.fieldPath}`);
  if (valueFrom?.fieldRef) return findAll(`{.${valueFrom.fieldRef.fieldPath}}`, object, { allowMissingKeys: true }).map(String).join(' ');
  if (valueFrom?.resourceFieldRef) {
    const { resource, containerName, divisor: given } = valueFrom.resourceFieldRef;
    const divisor = given === undefined || given === '0' ? '1' : given;
    const of = containerName ? podSpecOf(object as { kind: string }).containers.find(({ name }) => name === containerName) : container;
    const [kind = '', name = ''] = resource.split('.');
    const amount = of?.resources?.[kind as 'limits']?.[name];
    if (amount === undefined) return '0';
    return String(name === 'cpu' ? Math.ceil(milliValue(amount) / milliValue(divisor)) : Math.ceil(quantityValue(amount) / quantityValue(divisor)));
  }
  throw new KubectlError('invalid valueFrom');
}
