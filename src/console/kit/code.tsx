// Shows code or JSON as text, with a copy button.
import styles from './code.module.css';
import { printJson } from './exact-json';
import { Copy } from './id';

export function Code({ text, what, maxLines = 24 }: { text: string; what: string; maxLines?: number }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className={styles.code} aria-label={what} tabIndex={0} style={{ maxHeight: `${maxLines * 1.5 + 2}em` }}>
      <pre>{text}</pre>
      <span className={styles.copy}>
        <Copy text={text} what={what} />
      </span>
    </section>
  );
}

export const prettyJson = (value: unknown): string => printJson(value, 2);
