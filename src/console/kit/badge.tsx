// Small labels for states. The colour never says more than the text.
import type { ReactNode } from 'react';
import styles from './badge.module.css';

export type BadgeTone = 'good' | 'bad' | 'warn' | 'idle' | 'accent';

export function Badge({ tone, children, title }: { tone: BadgeTone; children: ReactNode; title?: string }) {
  return (
    <span className={styles.badge} data-tone={tone} title={title}>
      {children}
    </span>
  );
}

/** A number in a small frame, such as the number of errors in a tab. */
export const Count = ({ children }: { children: ReactNode }) => <span className={styles.count}>{children}</span>;
