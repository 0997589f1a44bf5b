import { effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';
const KEPT = 'wherry-theme';
const kept = localStorage.getItem(KEPT);

export const theme = signal<Theme>(kept === 'light' || kept === 'dark' ? kept : 'auto');

export function cycleTheme(): void {
  theme.value = ({ auto: 'light', light: 'dark', dark: 'auto' } as const)[theme.value];
}

effect(() => {
  document.documentElement.style.colorScheme = theme.value === 'auto' ? 'light dark' : theme.value;
  localStorage.setItem(KEPT, theme.value);
});
