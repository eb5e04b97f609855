// Keeps the shown mistakes of all fields outside of React, so that a field renders only when its own mistakes change.
import { type FieldMistake, type FieldMistakes, NO_MISTAKES } from './mistakes.js';

export interface ShownMistakes {
  fields: ReadonlyMap<string, FieldMistakes>;
  /** Mistakes that belong to no field. */
  general: readonly FieldMistake[];
  /** Whether the last save was refused, and nothing changed since. */
  isRefused: boolean;
}

export interface MistakeBoard {
  show(shown: ShownMistakes): void;
  of(field: string): FieldMistakes;
  general(): readonly FieldMistake[];
  isRefused(): boolean;
  subscribe(listener: () => void): () => void;
}

export function createMistakeBoard(): MistakeBoard {
  let now: ShownMistakes = { fields: new Map(), general: [], isRefused: false };
  const listeners = new Set<() => void>();
  return {
    show(shown) {
      // Equal mistakes remain the same object, so that React renders nothing.
      const fields = new Map([...shown.fields].map(([field, mistakes]) => [field, same(now.fields.get(field), mistakes)]));
      now = { ...shown, fields, general: same(now.general, shown.general) };
      for (const listener of listeners) listener();
    },
    of: (field) => now.fields.get(field) ?? NO_MISTAKES,
    general: () => now.general,
    isRefused: () => now.isRefused,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function same<T>(before: T | undefined, after: T): T {
  return before !== undefined && JSON.stringify(before) === JSON.stringify(after) ? before : after;
}
