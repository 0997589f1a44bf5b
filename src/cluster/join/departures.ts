import type { Node } from '../../api/generated/core-v1.ts';
import { nodes as nodeResource } from '../../api/generated/resources.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { InformerFactory } from '../../client/informer.ts';
import { startReconciler } from '../../client/start-reconciler.ts';
import { forgetNode } from '../drain-node.ts';
import { LEAVING } from './annotations.ts';

/** Removes the objects of nodes that say they leave. */
export function startDepartures({ client, informers, clock, log }: { readonly client: Client; readonly informers: InformerFactory; readonly clock: Clock; readonly log: Log }): AsyncDisposable {
  const nodes = informers.informer(nodeResource);
  const leaves = (node: Node | undefined): boolean => node?.metadata.annotations?.[LEAVING] !== undefined;
  const reconciler = startReconciler({
    name: 'departures', clock, log: log.child('departures'), workers: 1,
    async reconcile(name) {
      if (!leaves(nodes.get(name))) return;
      await forgetNode(client, name);
      log.info('a node left', { node: name });
    },
  });
  const look = (node: Node): void => { if (leaves(node)) reconciler.enqueue(node.metadata.name); };
  const subscription = nodes.subscribe({ add: look, update: (_previous, node) => look(node) });
  return {
    async [Symbol.asyncDispose]() {
      subscription[Symbol.dispose]();
      await reconciler[Symbol.asyncDispose]();
    },
  };
}
