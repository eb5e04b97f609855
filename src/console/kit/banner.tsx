// A message across the page, such as: a rule has switched this webhook off.
import type { ReactNode } from 'react';
import styles from './banner.module.css';

export function Banner({
  tone,
  title,
  actions,
  children,
}: {
  tone: 'bad' | 'warn' | 'info';
  title: string;
  actions?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <section className={styles.banner} data-tone={tone} aria-label={title}>
      <div>
        <strong>{title}</strong>
        {children}
      </div>
      {actions && <div className={styles.actions}>{actions}</div>}
    </section>
  );
}
