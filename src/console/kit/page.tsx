// The frame of a page: its title, its actions at the far right, and sections.
import { type ReactNode, useEffect } from 'react';
import styles from './page.module.css';

export interface PageProps {
  title: string;
  /** What stands before the title, such as a link to the list. */
  above?: ReactNode;
  /** What stands behind the title, such as a badge. */
  beside?: ReactNode;
  /** One line below the title. */
  lead?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

export function Page({ title, above, beside, lead, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Hookgraph`;
  }, [title]);
  return (
    <div className={styles.page}>
      {above && <div className={styles.above}>{above}</div>}
      <header className={styles.header}>
        <div className={styles.titles}>
          <h1>
            {title} {beside}
          </h1>
          {lead && <p className={styles.lead}>{lead}</p>}
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export function Section({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className={styles.section}>
      <div className={styles.sectionHead}>
        <h2>{title}</h2>
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
      {children}
    </section>
  );
}

/** A surface with a border. */
export const Card = ({ children }: { children: ReactNode }) => <div className={styles.card}>{children}</div>;

/** Names and values, such as settings. An empty value is left out by the caller. */
export function Facts({ facts }: { facts: [name: string, value: ReactNode][] }) {
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
