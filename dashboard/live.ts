import { signal } from '@preact/signals';
import type { Frame } from '../src/dashboard/rows/row.ts';
import { takeFrame } from './store.ts';

/** `ended`: the dashboard's process is another one or none; only a new login helps. */
export const connection = signal<'first' | 'open' | 'lost' | 'ended'>('first');

/** Keeps the live connection for as long as the page is open. */
export function followCluster(): void {
  let pause = 300;
  const connect = (): void => {
    const socket = new WebSocket(`ws://${location.host}/live`);
    socket.onmessage = ({ data }) => {
      connection.value = 'open';
      pause = 300;
      takeFrame(JSON.parse(data as string) as Frame);
    };
    socket.onclose = async () => {
      connection.value = (await isLoggedOut()) ? 'ended' : 'lost';
      setTimeout(connect, pause);
      pause = Math.min(pause * 2, 5000);
    };
  };
  connect();
}

async function isLoggedOut(): Promise<boolean> {
  try {
    return (await fetch('/', { method: 'HEAD' })).status === 401;
  } catch {
    return false; // Nobody answers: it may come back.
  }
}
