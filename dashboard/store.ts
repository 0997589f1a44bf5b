// What the page knows of the cluster: a signal a row, so that a change redraws that row alone, and a version a table for what is made of many rows.
import { batch, computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { Frame, PodRow, Row, Sample, TableName, Tables, Usage, WorkloadRow } from '../src/dashboard/rows/row.ts';

const MANY_ROWS = 2000;
const CALM_MS = 300;

export class Table<R extends Row> {
  readonly rows = new Map<string, Signal<R>>();
  /** Counts the frames that changed anything. */
  readonly version = signal(0);
  readonly synced = signal(false);
  readonly problem = signal<string | null>(null);
  #waits = false;

  /** All rows as they are; whoever asks in an effect hears of every change. */
  all(): R[] {
    void this.version.value;
    return Array.from(this.rows.values(), (row) => row.peek());
  }

  get(id: string): R | undefined {
    const row = this.rows.get(id);
    if (row) return row.value;
    void this.version.value;
    return undefined;
  }

  put(fresh: readonly R[]): void {
    for (const row of fresh) {
      const known = this.rows.get(row.id);
      if (known) known.value = row;
      else this.rows.set(row.id, signal(row));
    }
  }

  /** What is made of many rows hears of changes at once, or where there are very many rows, some times a second. */
  changed(): void {
    if (this.rows.size < MANY_ROWS) this.version.value++;
    else if (!this.#waits) {
      this.#waits = true;
      setTimeout(() => {
        this.#waits = false;
        this.version.value++;
      }, CALM_MS);
    }
  }

  drop(ids: Iterable<string>): void {
    for (const id of ids) this.rows.delete(id);
  }
}

export const tables: { readonly [T in TableName]: Table<Tables[T]> } = {
  pods: new Table(),
  nodes: new Table(),
  namespaces: new Table(),
  deployments: new Table(),
  replicasets: new Table(),
  statefulsets: new Table(),
  daemonsets: new Table(),
  jobs: new Table(),
  cronjobs: new Table(),
  services: new Table(),
  endpointslices: new Table(),
  events: new Table(),
  persistentvolumeclaims: new Table(),
};
const names = Object.keys(tables) as TableName[];

export const hello = signal<Frame['hello']>();
export const usage = signal<Usage | null>(null);
/** The use of nodes lately, the oldest first. */
export const history = signal<readonly Sample[]>([]);
const MOST_SAMPLES = 360;
/** Whether the first frame after a connection is still to come: it has all there is. */
let whole = false;

export function takeFrame(frame: Frame): void {
  batch(() => {
    if (frame.hello) {
      hello.value = frame.hello;
      history.value = frame.hello.history;
      whole = true;
      return;
    }
    for (const name of names) {
      const known = tables[name] as unknown as Table<Row>;
      const put = frame.put?.[name] as readonly Row[] | undefined;
      const drop = frame.drop?.[name];
      if (whole) {
        const present = new Set(put?.map(({ id }) => id));
        known.drop([...known.rows.keys()].filter((id) => !present.has(id)));
      }
      if (put) known.put(put);
      if (drop) known.drop(drop);
      if (whole) known.version.value++;
      else if (put || drop) known.changed();
      const problem = frame.problems?.[name];
      if (problem !== undefined) known.problem.value = problem;
    }
    whole = false;
    for (const name of frame.synced ?? []) tables[name].synced.value = true;
    if (frame.usage !== undefined) {
      usage.value = frame.usage;
      if (frame.usage) history.value = [...history.value.slice(1 - MOST_SAMPLES), { at: Date.now(), nodes: frame.usage.nodes }];
    }
  });
}

export const workloadTables = ['deployments', 'statefulsets', 'daemonsets', 'jobs', 'cronjobs'] as const;
export const workloadTableOf: Readonly<Record<WorkloadRow['kind'], TableName>> = {
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
  ReplicaSet: 'replicasets',
  Job: 'jobs',
  CronJob: 'cronjobs',
};

export const workloads: ReadonlySignal<readonly WorkloadRow[]> = computed(() => [
  ...workloadTables.flatMap((name) => tables[name].all()).filter(({ owner }) => owner?.kind !== 'CronJob'),
  ...tables.replicasets.all().filter(({ owner }) => !owner),
]);

export function groupBy<T>(rows: readonly T[], key: (row: T) => string | undefined): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const value = key(row);
    if (value === undefined) continue;
    const group = groups.get(value);
    if (group) group.push(row);
    else groups.set(value, [row]);
  }
  return groups;
}

export const podsByNode = computed(() => groupBy(tables.pods.all(), ({ node }) => node ?? ''));

/** `Deployment/default/kubia`: what a pod is part of as people think of it, past replica sets and the jobs of cron jobs. */
export function workloadOfPod({ ns = '', owner }: PodRow): string | undefined {
  if (!owner) return undefined;
  const between = owner.kind === 'ReplicaSet' ? tables.replicasets : owner.kind === 'Job' ? tables.jobs : undefined;
  const above = between?.rows.get(`${ns}/${owner.name}`)?.peek().owner;
  return above ? `${above.kind}/${ns}/${above.name}` : `${owner.kind}/${ns}/${owner.name}`;
}

export const podsByWorkload = computed(() => {
  void tables.replicasets.version.value;
  void tables.jobs.version.value;
  return groupBy(tables.pods.all(), workloadOfPod);
});

/** How a workload is, in view of its pods: its own status does not tell a pod that starts from one that never will. */
export function healthOf(row: WorkloadRow): Pick<WorkloadRow, 'tone' | 'status' | 'why'> {
  if (row.tone === 'bad') return row;
  const bad = (podsByWorkload.value.get(`${row.kind}/${row.ns}/${row.name}`) ?? []).filter(({ tone }) => tone === 'bad');
  if (bad.length === 0) return row;
  const why = bad.find((pod) => pod.why)?.why;
  return { tone: 'bad', status: `${bad.length} failing`, ...(why && { why }) };
}

export const slicesByService = computed(() => groupBy(tables.endpointslices.all(), ({ ns, service }) => `${ns}/${service}`));
