import type { StatusError } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import type { WatchEvent } from '../../client/client.ts';

/** Takes what a watch delivers: batches in order, then at most one end. Called synchronously; must not throw. */
export interface WatchSink<T extends KubeObject = KubeObject> {
  events(batch: readonly WatchEvent<T>[]): void;
  /** The server ends the watch; with a fault where the client must list again. */
  end(fault?: StatusError): void;
}
