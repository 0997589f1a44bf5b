import type { ResourceQuota } from '../../api/generated/core-v1.ts';
import type { DescribeContext } from './describe-context.ts';
import type { DescribeWriter } from './writer.ts';

const SCOPES: Readonly<Record<string, string>> = {
  Terminating: 'Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.',
  NotTerminating: 'Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.',
  BestEffort: 'Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.',
  NotBestEffort: 'Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.',
};

/** Upstream: describe.go, describeQuota. */
export function describeResourceQuota(quota: ResourceQuota, { out }: DescribeContext): void {
  out.field(0, 'Name', quota.metadata.name);
  out.field(0, 'Namespace', quota.metadata.namespace!);
  describeUse(out, 0, quota, ' * ', '----');
}

/** The quotas of a namespace. Upstream: describe.go, DescribeResourceQuotas. */
export function describeResourceQuotas(quotas: readonly ResourceQuota[], out: DescribeWriter): void {
  if (quotas.length === 0) return out.line(0, 'No resource quota.');
  out.line(0, 'Resource Quotas');
  for (const quota of quotas.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    out.field(1, 'Name', quota.metadata.name);
    describeUse(out, 1, quota, '* ', '---');
  }
}

function describeUse(out: DescribeWriter, level: number, { spec, status }: ResourceQuota, bullet: string, dashes: string): void {
  const scopes = (spec?.scopes ?? []).toSorted();
  if (scopes.length > 0) out.field(level, 'Scopes', scopes.join(', '));
  for (const scope of scopes) if (SCOPES[scope]) out.line(level, `${bullet}${SCOPES[scope]}`);
  out.line(level, 'Resource\tUsed\tHard');
  out.line(level, `--------\t${dashes}\t${dashes}`);
  for (const resource of Object.keys(status?.hard ?? {}).toSorted()) out.line(level, `${resource}\t${status?.used?.[resource] ?? '0'}\t${status!.hard![resource]}`);
}
