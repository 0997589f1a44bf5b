import { expect, test } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { MetricRegistry } from '../../base/metrics.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { EndpointError, type RemoteEndpoint } from '../configuration/remote-endpoint.ts';
import { AuditWebhook } from './audit-webhook.ts';

test('events go in batches, again where nobody answers, and are counted where they are lost', async () => {
  const clock = new FakeClock();
  const metrics = new MetricRegistry();
  const sent: number[][] = [];
  const answers: number[] = [];
  const endpoint = {
    async post(body: string) {
      const code = answers.shift();
      if (code !== undefined) throw new EndpointError('no', code);
      sent.push(JSON.parse(body).items);
      return '';
    },
    [Symbol.dispose]: () => {},
  } as unknown as RemoteEndpoint;
  const lost = (): number => Number(/^apiserver_audit_error_total\{plugin="webhook"\} (\d+)$/m.exec(metrics.text())?.[1]);
  {
    await using webhook = new AuditWebhook({ endpoint, clock, log: silentLog, metrics });
    const write = (from: number, to: number): void => {
      for (let i = from; i < to; i++) webhook.write(String(i));
    };
    write(0, 3);
    await clock.advance(29_000);
    expect(sent).toEqual([]);
    await clock.advance(1_000);
    expect(sent).toEqual([[0, 1, 2]]);
    write(0, 900);
    await clock.advance(0);
    expect(sent.slice(1).map((batch) => batch.length)).toEqual([400, 400]);
    answers.push(0, 503);
    await clock.advance(30_000);
    expect(sent.length).toBe(3);
    await clock.advance(10_000 + 15_000);
    expect(sent[3]?.length).toBe(100);
    answers.push(400);
    write(0, 400);
    await clock.advance(0);
    expect([lost(), sent.length]).toEqual([400, 4]);
    write(0, 5);
  }
  expect([lost(), sent[4]]).toEqual([400, [0, 1, 2, 3, 4]]);
});
