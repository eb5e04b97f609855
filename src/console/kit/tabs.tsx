// The look of links that switch between the parts of a page. The caller makes each link, because only it knows the routes.
import type { ReactNode } from 'react';
import styles from './tabs.module.css';

/** The class of each link. The router marks the current one with `aria-current`. */
export const tabClass = styles.tab as string;

export const Tabs = ({ label, children }: { label: string; children: ReactNode }) => (
  <nav className={styles.tabs} aria-label={label}>
    {children}
  </nav>
);
