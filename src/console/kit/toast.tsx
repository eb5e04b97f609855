// Shows short messages in a corner, and reads them to screen readers.
import { useSyncExternalStore } from 'react';
import { IconButton } from './button';
import styles from './toast.module.css';

export interface Toast {
  text: string;
  tone?: 'good' | 'warn' | 'bad';
}

interface Shown extends Toast {
  id: number;
}

/** Milliseconds that a message stays. A message about a failure stays until it is closed. */
const STAY_MS = { good: 5_000, warn: 15_000 };

let shown: Shown[] = [];
let last = 0;
const listeners = new Set<() => void>();

function set(next: Shown[]): void {
  shown = next;
  for (const listener of listeners) listener();
}

const close = (id: number) => set(shown.filter((toast) => toast.id !== id));

export function notify(toast: Toast): void {
  const id = ++last;
  set([...shown.filter(({ text }) => text !== toast.text), { ...toast, id }].slice(-4));
  if (toast.tone !== 'bad') setTimeout(() => close(id), STAY_MS[toast.tone ?? 'good']);
}

/** Is in the top layer, because a dialog hides everything else outside of it from screen readers and pointers. */
export function Toasts() {
  const toasts = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => shown,
  );
  return (
    <section className={styles.toasts} aria-label="Messages" aria-live="polite" data-react-aria-top-layer="true">
      {toasts.map(({ id, text, tone = 'good' }) => (
        <div key={id} className={styles.toast} data-tone={tone}>
          <span>{text}</span>
          <IconButton label="Close this message" icon="close" onPress={() => close(id)} />
        </div>
      ))}
    </section>
  );
}
