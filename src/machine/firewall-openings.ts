import { readFileSync } from 'node:fs';
import { findProgram } from './program-versions.ts';
import { CommandError, run } from './run.ts';

/**
 * A firewall of the machine's own that drops by default (Docker does so for what is forwarded, ufw for what comes in) would cut
 * the nodes off, for a packet has to pass every table. Where there is one, the bridge gets an exception in it.
 */
export async function openFirewall(bridge: string): Promise<string[]> {
  const present = await iptablesRules();
  const missing = wantedRules(bridge, present).filter((rule) => !present.includes(`-A ${rule}`));
  for (const rule of missing) await run(['iptables', '-w', '-I', ...rule.split(' ')]);
  return missing.map((rule) => `added an exception to the machine's firewall: ${rule}`);
}

/** Takes the bridge's exceptions back, whichever there are. */
export async function closeFirewall(bridge: string): Promise<void> {
  const present = await iptablesRules();
  for (const line of present) if (allRules(bridge).includes(line.replace(/^-A /, ''))) await run(['iptables', '-w', '-D', ...line.replace(/^-A /, '').split(' ')]);
}

/** The rules a machine with these (`iptables -S`) needs for the bridge. */
export function wantedRules(bridge: string, present: readonly string[]): string[] {
  return allRules(bridge).filter((rule) => present.includes(`-P ${rule.split(' ')[0]} DROP`));
}

function allRules(bridge: string): string[] {
  return [`INPUT -i ${bridge} -j ACCEPT`, `FORWARD -i ${bridge} -j ACCEPT`, `FORWARD -o ${bridge} -j ACCEPT`];
}

/** `iptables -S`, but only where something is in iptables: asking would load its modules. */
async function iptablesRules(): Promise<string[]> {
  if (!findProgram('iptables') || !(hasLegacyTable() || (await hasNftTable()))) return [];
  return (await run(['iptables', '-w', '-S'])).split('\n').filter(Boolean);
}

function hasLegacyTable(): boolean {
  try {
    return /^filter$/m.test(readFileSync('/proc/net/ip_tables_names', 'utf8'));
  } catch (error) {
    // The module is not loaded.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function hasNftTable(): Promise<boolean> {
  try {
    await run(['nft', '-t', 'list', 'table', 'ip', 'filter']);
    return true;
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === 1) return false;
    throw error;
  }
}
