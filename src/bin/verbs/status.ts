import { statSync } from 'node:fs';
import { humanDuration } from '../../api/human-duration.ts';
import { nodes } from '../../api/generated/resources.ts';
import { UserError } from '../../base/user-error.ts';
import type { HttpClient } from '../../client/http-client.ts';
import { clientOf } from '../../cluster/cluster-client.ts';
import { groundOf } from '../../cluster/launch.ts';
import { isJoined, type JoinedCluster, type Profile } from '../../cluster/profile.ts';
import { findProcess, findRuntime, guardedNow } from '../../machine/index.ts';
import { clusterOptions, type Command } from '../command.ts';
import { profileOf, systemClock } from '../tools.ts';

interface ProcessStatus {
  readonly pid: number;
  /** RFC 3339. */
  readonly since: string;
}

/** The pid file is written when the process starts. */
function processStatus(pidFile: string): ProcessStatus | undefined {
  const record = findProcess(pidFile);
  return record && { pid: record.pid, since: statSync(pidFile).mtime.toISOString() };
}

async function clientOfJoined(profile: Profile, { joined }: JoinedCluster): Promise<HttpClient> {
  const { mustReadIdentity, nodeClient } = await import('../../cluster/join/joined-node.ts');
  return nodeClient(joined.server, mustReadIdentity(profile), 3_000);
}

export const command: Command = {
  usage: 'status [--profile NAME] [-o json]',
  summary: 'Tells what of a cluster runs, and since when. The exit code is 0 when all of it does, else 1.',
  options: { ...clusterOptions, output: { type: 'string', short: 'o', value: 'json', description: 'machine-readable' } },
  async run(values, _positionals, io) {
    if (values.output !== undefined && values.output !== 'json') throw new UserError(`--output takes json, not "${String(values.output)}"`);
    const profile = profileOf(values);
    const config = profile.mustRead();
    const joined = isJoined(config) ? config.joined : undefined;
    const server = joined ? undefined : processStatus(profile.serverPidFile);
    const ready = new Map<string, string>();
    let problem: string | undefined;
    if (server || joined) {
      try {
        using client = isJoined(config) ? await clientOfJoined(profile, config) : clientOf(profile, config, { timeoutMs: 3_000 });
        for (const node of (await client.list(nodes)).items) ready.set(node.metadata.name, node.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True' ? 'Ready' : 'NotReady');
      } catch (error) {
        problem = (error as Error).message;
      }
    }
    const nodeStatus = config.nodes.map((node) => {
      const process = config.runtime === 'simulated' ? server : processStatus(profile.nodePidFile(node.name));
      const ground = config.runtime === 'simulated' ? undefined : groundOf(profile, config, node);
      return { name: node.name, status: ready.get(node.name) ?? 'unknown', ...(process && { pid: process.pid, since: process.since }), runtimePid: ground && findRuntime(ground, { clock: systemClock })?.pid, ...(ground && { address: ground.address }) };
    });
    const guarded = config.runtime !== 'simulated' && !server && nodeStatus.every(({ pid }) => pid === undefined) ? await guardedNow(config.index) : [];
    // Nodes of other machines are not ours to start: they are told of, and count for nothing.
    const elsewhere = joined ? [] : [...ready].filter(([name]) => !config.nodes.some((node) => node.name === name)).map(([name, status]) => ({ name, status }));
    const running = (server !== undefined || joined !== undefined) && problem === undefined && nodeStatus.every(({ status }) => status === 'Ready');
    if (values.output === 'json') {
      io.out(`${JSON.stringify({ profile: profile.name, folder: profile.folder, runtime: config.runtime, running, server: server ? { ...server, url: `https://127.0.0.1:${config.apiPort}`, log: profile.serverLog } : null, ...(joined && { joined }), ...(problem && { problem }), nodes: nodeStatus, ...(elsewhere.length > 0 && { otherMachines: elsewhere }), ...(guarded.length > 0 && { unreachable: guarded }), addons: config.addons }, null, 2)}\n`);
      return running ? 0 : 1;
    }
    const since = (time: string): string => humanDuration(systemClock.now() - Date.parse(time));
    io.out(`cluster ${profile.name} (${config.runtime}), in ${profile.folder}\n`);
    if (joined) io.out(`server  ${problem ? `does not answer: ${problem}` : 'answers'}, ${joined.server} (another machine)\n`);
    else io.out(server ? `server  ${problem ? `does not answer: ${problem}` : 'running'} since ${since(server.since)}, process ${server.pid}, https://127.0.0.1:${config.apiPort}, log ${profile.serverLog}\n` : 'server  not running\n');
    for (const node of nodeStatus) io.out(`node    ${node.name}: ${node.pid === undefined ? 'not running' : `${node.status}, since ${since(node.since!)}, process ${node.pid}`}${node.runtimePid ? `, containerd ${node.runtimePid}` : ''}${config.runtime === 'simulated' ? '' : `, log ${profile.nodeLog(node.name)}`}\n`);
    for (const { name, status } of elsewhere) io.out(`node    ${name}: ${status}, on another machine\n`);
    if (guarded.length > 0) io.out(`network ${guarded.join(', ')}: unreachable from here while it is stopped, so that nothing for them leaves this machine; wherry delete gives them back\n`);
    if (!running) io.out(`take it up again: wherry start${profile.name === 'wherry' ? '' : ` --profile ${profile.name}`}\n`);
    return running ? 0 : 1;
  },
};
