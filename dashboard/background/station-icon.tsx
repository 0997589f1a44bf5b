import type { JSX } from 'preact';
import type { Station } from '../../src/dashboard/background/step.ts';

const SHAPES: Readonly<Record<Station, string>> = {
  client: 'M3 5h18v12H3zM8 21h8M12 17v4M7 9l3 2-3 2',
  api: 'M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3zM4 6v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3',
  controller: 'M20 12a8 8 0 0 1-14 5.3M4 12a8 8 0 0 1 14-5.3M18 2v5h-5M6 22v-5h5',
  scheduler: 'M12 3v4M12 7 5 12v4M12 7l7 5v4M12 7v9M3 16h4v4H3zM10 16h4v4h-4zM17 16h4v4h-4z',
  node: 'M3 4h18v6H3zM3 14h18v6H3zM7 7h.01M7 17h.01',
  registry: 'M12 3v11M7 10l5 5 5-5M4 17v3h16v-3',
  container: 'M12 2 3 7v10l9 5 9-5V7zM3 7l9 5 9-5M12 12v10',
};

export function StationIcon({ name }: { readonly name: Station }): JSX.Element {
  return <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d={SHAPES[name]} /></svg>;
}
