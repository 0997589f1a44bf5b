import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RefObject } from 'preact';

export interface Window {
  readonly ref: RefObject<HTMLDivElement | null>;
  readonly first: number;
  /** Exclusive. */
  readonly last: number;
  onScroll(): void;
  /** Scrolls so that a row is seen. */
  reveal(index: number): void;
}

const AROUND = 8;

/** Which of many rows of one height are in sight of a scrolling element: only those are drawn. */
export function useWindow(total: number, height: number): Window {
  const ref = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ top: 0, size: 800 });
  const measure = (): void => {
    const element = ref.current;
    if (!element) return;
    // In steps of some rows, so that not every pixel draws.
    const top = Math.floor(element.scrollTop / (height * 4)) * height * 4;
    setSeen((known) => (known.top === top && known.size === element.clientHeight ? known : { top, size: element.clientHeight }));
  };
  useLayoutEffect(() => {
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(ref.current!);
    return () => observer.disconnect();
  }, []);
  const first = Math.max(0, Math.min(Math.floor(seen.top / height) - AROUND, total - 1));
  return {
    ref,
    first,
    last: Math.min(total, first + Math.ceil(seen.size / height) + AROUND * 2 + 4),
    onScroll: measure,
    reveal(index) {
      const element = ref.current;
      if (!element) return;
      const head = (element.firstElementChild as HTMLElement).offsetTop;
      if (index * height < element.scrollTop) element.scrollTop = index * height;
      else if ((index + 1) * height + head > element.scrollTop + element.clientHeight)
        element.scrollTop = (index + 1) * height + head - element.clientHeight;
    },
  };
}
