import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { t } from '../language.ts';

// Channels of v5.channel.k8s.io and v4.channel.k8s.io: the first byte of every message.
const [STDIN, STDOUT, STDERR, ERROR, RESIZE] = [0, 1, 2, 3, 4];

/** Connects a terminal to a command; answers what ends it. */
export function talk(place: HTMLElement, path: string, onEnd: (why: string) => void): () => void {
  const style = getComputedStyle(place);
  const terminal = new Terminal({
    fontFamily: style.fontFamily,
    fontSize: 13,
    cursorBlink: true,
    scrollback: 10_000,
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
  socket.onclose = () =>
    onEnd(why || (opened ? t('The connection has ended.') : t('The shell cannot be started: look at the container and at your rights.')));
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
  return status.status === 'Success' ? t('The shell has ended.') : (status.message ?? t('The shell has ended.'));
}
