import { useSignal } from '@preact/signals';
import type { JSX, RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import { flowsOf, type Flow } from './flows-of.ts';
import { picture, speed } from './story.ts';

interface Line {
  readonly key: string;
  readonly path: string;
}

/** The lines between the places, drawn where the places are. */
export function Flows({ stage }: { readonly stage: RefObject<HTMLDivElement | null> }): JSX.Element {
  const lines = useSignal<ReadonlyMap<string, string>>(new Map());
  const { now } = picture.value;
  const measure = (): void => {
    const next = linesOf(stage.current!);
    const known = lines.peek();
    if (next.size !== known.size || [...next].some(([key, path]) => known.get(key) !== path)) lines.value = next;
  };
  useLayoutEffect(measure);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(measure);
    observer.observe(stage.current!);
    return () => observer.disconnect();
  }, []);
  const flows = flowsOf(now);
  const active = new Map(flows.map((flow) => [keyOf(flow), flow.what]));
  const drawn: Line[] = [...lines.value].map(([key, path]) => ({ key, path }));
  return (
    <svg class="flows" aria-hidden="true">
      {drawn
        .filter(({ key }) => !key.endsWith('>'))
        .map(({ key, path }) => (
          <path key={key} d={path} class={`line ${active.get(key) ?? ''}`} />
        ))}
      {flows.map((flow, i) => {
        const path = lines.value.get(`${flow.from}|${flow.to}>`);
        const delay = flow.what === 'hear' ? 0 : 0.45;
        return (
          path && (
            <circle
              key={`${now!.id}|${i}`}
              class={`spark ${flow.what}`}
              r="5"
              style={{
                offsetPath: `path("${path}")`,
                animationDelay: `${delay / speed.value}s`,
                animationDuration: `${0.6 / speed.value}s`,
              }}
            />
          )
        );
      })}
    </svg>
  );
}

const keyOf = ({ from, to }: Flow): string => (from === 'api' || from === 'registry' ? `${from}|${to}` : `${to}|${from}`);

/** Each line by `hub|place`, and by `from|to>` the way along it in both directions. */
function linesOf(stage: HTMLElement): Map<string, string> {
  const origin = stage.getBoundingClientRect();
  const boxes = new Map(
    [...stage.querySelectorAll<HTMLElement>('[data-place]')].map((element) => {
      const { left, top, width, height } = element.getBoundingClientRect();
      return [
        element.dataset['place']!,
        {
          left: left - origin.left,
          right: left - origin.left + width,
          top: top - origin.top,
          middle: top - origin.top + height / 2,
          bottom: top - origin.top + height,
          center: left - origin.left + width / 2,
        },
      ] as const;
    }),
  );
  const lines = new Map<string, string>();
  const connect = (hub: string, place: string): void => {
    const [a, b] = [boxes.get(hub), boxes.get(place)];
    if (!a || !b) return;
    const points: readonly [number, number, number, number, 'h' | 'v'] =
      b.left >= a.right
        ? [a.right, clamp(b.middle, a), b.left, b.middle, 'h']
        : b.right <= a.left
          ? [a.left, clamp(b.middle, a), b.right, b.middle, 'h']
          : b.top >= a.bottom
            ? [a.center, a.bottom, b.center, b.top, 'v']
            : [a.center, a.top, b.center, b.bottom, 'v'];
    lines.set(`${hub}|${place}`, curve(...points));
    lines.set(`${hub}|${place}>`, curve(...points));
    lines.set(`${place}|${hub}>`, curve(points[2], points[3], points[0], points[1], points[4]));
  };
  for (const place of boxes.keys()) if (place !== 'api' && place !== 'registry') connect('api', place);
  for (const place of boxes.keys()) if (place.startsWith('node:')) connect('registry', place);
  return lines;
}

/** Lines leave a tall hub beside where they go, not all from one point. */
function clamp(at: number, { top, bottom }: { readonly top: number; readonly bottom: number }): number {
  return Math.round(Math.max(top + 18, Math.min(bottom - 18, at)));
}

function curve(x1: number, y1: number, x2: number, y2: number, way: 'h' | 'v'): string {
  const [a, b, c, d] = [x1, y1, x2, y2].map(Math.round) as [number, number, number, number];
  const bend = way === 'h' ? [(a + c) / 2, b, (a + c) / 2, d] : [a, (b + d) / 2, c, (b + d) / 2];
  return `M${a} ${b}C${bend[0]} ${bend[1]} ${bend[2]} ${bend[3]} ${c} ${d}`;
}
