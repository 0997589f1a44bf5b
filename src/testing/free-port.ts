import { isFreePort } from '../cluster/free-port.ts';

/** Below node ports (30000 on) and below those that the kernel gives to whoever asks for any (32768 on): nobody takes one by chance before it is used. */
const FIRST = 20_000;
const LAST = 29_999;

/** A port of 127.0.0.1 on which nobody listens, chosen at random: tests beside this one choose as well. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (await isFreePort(port)) return port;
  }
}
