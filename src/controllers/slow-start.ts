/**
 * Runs `attempt` `count` times in batches of 1, 2, 4, 8 …; stops after the first batch with a failure and throws that
 * failure. So a set that may not create pods (quota, a wrong template) finds out with one request instead of hundreds.
 */
export async function slowStart(count: number, attempt: () => Promise<unknown>): Promise<void> {
  for (let done = 0, batch = 1; done < count; done += batch, batch *= 2) {
    const results = await Promise.allSettled(Array.from({ length: Math.min(batch, count - done) }, attempt));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }
}
