import { jobs as jobResource } from '../api/generated/resources.ts';
import { isReason } from '../api/errors.ts';
import { exponentialBuckets } from '../base/histogram-buckets.ts';
import type { ReconcileResult } from '../client/reconciler.ts';
import { itself, startLoop } from './control-loop.ts';
import type { Controller } from './controller.ts';

/** Deletes jobs some time after they have finished, where they ask for it. Upstream: pkg/controller/ttlafterfinished. */
export const ttlAfterFinishedController: Controller = {
  name: 'ttl-after-finished-controller',
  start(context) {
    const { client, clock, informers } = context;
    const jobs = informers.informer(jobResource);
    const delays = context.metrics.histogram('ttl_after_finished_controller_job_deletion_duration_seconds', 'Time from when a job might be deleted until it was, in seconds.', exponentialBuckets(0.1, 2, 14)).of();

    async function reconcile(key: string): Promise<ReconcileResult> {
      const job = jobs.get(key);
      const ttl = job?.spec?.ttlSecondsAfterFinished;
      const end = job?.status?.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
      if (!job || ttl === undefined || !end || job.metadata.deletionTimestamp) return;
      const left = Date.parse(end.lastTransitionTime!) + ttl * 1000 - clock.now();
      if (left > 0) return { requeueAfterMs: left };
      const { namespace, name, uid, resourceVersion } = job.metadata;
      try {
        // The version guards against a job whose time was just lengthened.
        await client.delete(jobResource, { namespace, name }, { propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion } });
        delays.observe(-left / 1000);
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }

    const loop = startLoop(context, { name: 'ttl-after-finished-controller', queue: 'ttl_jobs_to_delete', needs: [jobs], workers: 5, reconcile });
    loop.follow(jobs, itself);
    return loop;
  },
};
