// Listens to keyboard shortcuts. Keys that are typed into a field never count.
import { useEffect } from 'react';

const SEQUENCE_MS = 1_000;

/** `keys`: one key such as `/`, or two in a row such as `g w`. */
export function useShortcuts(shortcuts: Record<string, () => void>): void {
  useEffect(() => {
    let first: { key: string; atMs: number } | null = null;
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const sequence = first !== null && event.timeStamp - first.atMs < SEQUENCE_MS ? `${first.key} ${event.key}` : event.key;
      const act = shortcuts[sequence] ?? shortcuts[event.key];
      first = act ? null : { key: event.key, atMs: event.timeStamp };
      if (!act) return;
      event.preventDefault();
      act();
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, [shortcuts]);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName) || target.closest('[role="dialog"]') !== null;
}
