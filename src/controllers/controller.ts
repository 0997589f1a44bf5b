import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { MetricRegistry } from '../base/metrics.ts';
import type { Random } from '../base/random.ts';
import type { WorkQueueMetrics } from '../base/work-queue-metrics.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from '../client/event-recorder.ts';
import type { InformerFactory } from '../client/informer.ts';
import type { ControllerOptions } from './controller-options.ts';

/** All that a controller may touch: there is no other way out to the world. */
export interface ControllerContext {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Records events under the controller's own name. */
  readonly recorder: EventRecorder;
  readonly options: ControllerOptions;
  /** Measures the controllers' queues; absent: nobody looks. */
  readonly queueMetrics?: WorkQueueMetrics | undefined;
  /** Where controllers tell what they have done. */
  readonly metrics: MetricRegistry;
}

/** One line in the registry (controllers.ts). Replica-set/replica-set.ts is the model to write a new one from. */
export interface Controller {
  readonly name: string;
  /** What its events name as their source, which `kubectl describe` shows; absent: its name. */
  readonly eventSource?: string;
  start(context: ControllerContext): AsyncDisposable;
}
