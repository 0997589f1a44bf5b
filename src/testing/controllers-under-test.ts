import type { User } from '../api/kind.ts';
import { silentLog, type Log } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { createInformerFactory } from '../client/informer-factory.ts';
import type { InformerFactory } from '../client/informer.ts';
import { startScheduler } from '../scheduler/scheduler.ts';
import { startControllers } from '../controllers/controllers.ts';
import type { ControllerOptions } from '../controllers/controller-options.ts';
import { startTestApiServer } from './api-server.ts';
import { FakeClock } from './fake-clock.ts';
import { MortalClients } from './mortal-clients.ts';
import { startPodRunner, type PodRunner, type PodRunnerOptions } from './pod-runner.ts';

export const controllerManager: User = { name: 'system:kube-controller-manager', groups: ['system:authenticated'] };

export interface ControllersUnderTestOptions {
  /** Absent: all. */
  readonly only?: readonly string[];
  readonly options?: ControllerOptions;
  readonly pods?: Partial<PodRunnerOptions>;
  /** With the scheduler; the pod runner then binds nothing. Default false. */
  readonly scheduler?: boolean;
  /** Stands between the controllers and the server: for faults. */
  readonly wrapClient?: (client: Client, clock: FakeClock, admin: Client) => Client;
  readonly log?: Log;
}

export interface ControllersUnderTest extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly admin: Client;
  /** Of the test's own, as the pod runner sees the world. */
  readonly informers: InformerFactory;
  readonly pods: PodRunner;
  /** Advances the time in small steps, in which everything may react. */
  pass(seconds: number): Promise<void>;
  /** Ends the controllers and starts new ones, which know nothing but what the server tells them. */
  restart(): Promise<void>;
  /** Ends them in the middle of what they do: of their next writes `writes` still happen, and no answer comes any more. Then starts new ones. */
  kill(writes: number): Promise<void>;
}

/** A real API server in memory, controllers with a client of their own rights, a pod runner, and one clock for all. */
export async function startControllersUnderTest({ only, options, pods, scheduler = false, wrapClient = (client) => client, log = silentLog }: ControllersUnderTestOptions = {}): Promise<ControllersUnderTest> {
  const clock = new FakeClock();
  const random = seededRandom(7);
  const stack = new AsyncDisposableStack();
  const api = stack.use(await startTestApiServer({ clock }));
  const informers = stack.use(createInformerFactory({ client: api.admin, clock, random, log }));
  const runner = stack.use(await startPodRunner({ client: api.admin, informers, clock, log, ...(scheduler && { targetOf: () => '' }), ...pods }));

  let lives = new MortalClients();
  const start = (): AsyncDisposable => {
    const own = new AsyncDisposableStack();
    lives = new MortalClients();
    const client = lives.wrap(wrapClient(api.client(controllerManager, 'controllers'), clock, api.admin));
    const factory = own.use(createInformerFactory({ client, clock, random, log }));
    own.use(startControllers({ client, informers: factory, clock, random, log, ...(only && { only }), ...(options && { options }) }));
    if (!scheduler) return own;
    const schedulerClient = lives.wrap(wrapClient(api.client({ name: 'system:kube-scheduler', groups: ['system:authenticated'] }, 'kube-scheduler'), clock, api.admin));
    const schedulerInformers = own.use(createInformerFactory({ client: schedulerClient, clock, random, log }));
    own.use(startScheduler({ client: schedulerClient, informers: schedulerInformers, clock, random, log }));
    return own;
  };
  let running = start();
  stack.defer(() => running[Symbol.asyncDispose]());

  const pass = async (seconds: number): Promise<void> => {
    for (let left = seconds * 1000; left > 0; left -= 100) await clock.advance(Math.min(left, 100));
  };
  const restart = async (): Promise<void> => {
    await running[Symbol.asyncDispose]();
    running = start();
  };
  return {
    clock, admin: api.admin, informers, pods: runner, pass, restart,
    async kill(writes) {
      const dying = lives;
      dying.dieAfter(writes);
      for (let tenth = 0; tenth < 20 && !dying.dead; tenth++) await pass(0.1);
      dying.dieAfter(0);
      await restart();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
