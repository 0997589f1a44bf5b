import { useSignal } from '@preact/signals';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Obj } from '../api.ts';
import { opened } from '../route.ts';
import { Empty } from '../ui.tsx';

// Channels of v5.channel.k8s.io and v4.channel.k8s.io: the first byte of every message.
const [STDIN, STDOUT, STDERR, ERROR, RESIZE] = [0, 1, 2, 3, 4];
const SHELLS = ['sh', 'bash', 'ash'] as const;

/** A terminal in a container. */
export function Shell({ pod }: { readonly pod: Obj }): JSX.Element {
  const running: readonly string[] = (pod.status?.containerStatuses ?? []).filter(({ state }: { state?: { running?: unknown } }) => state?.running).map(({ name }: { name: string }) => name);
  const container = useSignal(running[0] ?? '');
  const shell = useSignal<string>(SHELLS[0]);
  const turn = useSignal(0);
  const ended = useSignal('');
  const place = useRef<HTMLDivElement>(null);
  const path = opened.value;
  useEffect(() => {
    if (!container.value) return;
    ended.value = '';
    return talk(place.current!, `${path}/exec?${new URLSearchParams({ command: shell.value, container: container.value, stdin: 'true', stdout: 'true', tty: 'true' })}`, (why) => { ended.value = why; });
  }, [container.value, shell.value, turn.value, path]);
  if (running.length === 0 && !container.value) return <Empty>No container of it runs.</Empty>;
  return <>
    <div class="tools">
      <label>Container <select value={container.value} onChange={(event) => { container.value = event.currentTarget.value; }}>{running.map((name) => <option key={name}>{name}</option>)}</select></label>
      <label>Program <select value={shell.value} onChange={(event) => { shell.value = event.currentTarget.value; }}>{SHELLS.map((name) => <option key={name}>{name}</option>)}</select></label>
      {ended.value && <><span class="quiet" role="status">{ended.value}</span><button type="button" onClick={() => { turn.value++; }}>Start anew</button></>}
    </div>
    <div class="console" ref={place} />
  </>;
}

/** Connects a terminal to a command; answers what ends it. */
function talk(place: HTMLElement, path: string, onEnd: (why: string) => void): () => void {
  const style = getComputedStyle(place);
  const terminal = new Terminal({
    fontFamily: style.fontFamily, fontSize: 13, cursorBlink: true, scrollback: 10_000,
    theme: { background: style.backgroundColor, foreground: style.color, cursor: style.color, selectionBackground: '#6b8fb566' },
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(place);
  fit.fit();
  const socket = new WebSocket(`ws://${location.host}${path}`, ['v5.channel.k8s.io', 'v4.channel.k8s.io']);
  socket.binaryType = 'arraybuffer';
  const send = (channel: number, text: string): void => {
    if (socket.readyState !== WebSocket.OPEN) return;
    const bytes = new TextEncoder().encode(text);
    const message = new Uint8Array(bytes.length + 1);
    message[0] = channel;
    message.set(bytes, 1);
    socket.send(message);
  };
  const resize = (): void => send(RESIZE!, JSON.stringify({ Width: terminal.cols, Height: terminal.rows }));
  let why = '';
  let opened = false;
  socket.onopen = () => {
    opened = true;
    resize();
    terminal.focus();
  };
  socket.onmessage = ({ data }) => {
    const bytes = new Uint8Array(data as ArrayBuffer);
    if (bytes[0] === STDOUT || bytes[0] === STDERR) terminal.write(bytes.subarray(1));
    else if (bytes[0] === ERROR) why = endOf(new TextDecoder().decode(bytes.subarray(1)));
  };
  socket.onclose = () => onEnd(why || (opened ? 'The connection has ended.' : 'The shell cannot be started: look at the container and at your rights.'));
  const typing = terminal.onData((text) => send(STDIN!, text));
  const sizing = terminal.onResize(resize);
  const observer = new ResizeObserver(() => fit.fit());
  observer.observe(place);
  return () => {
    observer.disconnect();
    typing.dispose();
    sizing.dispose();
    socket.onclose = null;
    socket.close();
    terminal.dispose();
  };
}

function endOf(text: string): string {
  const status = JSON.parse(text) as { readonly status?: string; readonly message?: string };
  return status.status === 'Success' ? 'The shell has ended.' : (status.message ?? 'The shell has ended.');
}
