// Keeps the chosen theme in a cookie, so that the server writes it into the page before any script runs.
import { useSyncExternalStore } from 'react';
import { config } from './config';

export type Theme = 'system' | 'light' | 'dark';

const listeners = new Set<() => void>();
const read = (): Theme => (document.documentElement.dataset.theme as Theme | undefined) ?? 'system';

export function setTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const age = theme === 'system' ? 0 : 31_536_000;
  // biome-ignore lint/suspicious/noDocumentCookie: Firefox and Safari know the Cookie Store API only since 2025
  document.cookie = `hookgraph-theme=${theme}; Path=${config.path}; Max-Age=${age}; SameSite=Lax`;
  for (const listener of listeners) listener();
}

export const useTheme = (): Theme =>
  useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, read);
