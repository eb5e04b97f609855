// Shows a shortened id, and copies the whole id.
import { useState } from 'react';
import { IconButton } from './button';
import styles from './id.module.css';
import { notify } from './toast';

const END = 6;

/** Cuts the middle of an id: what begins alike, as ids of one type or of one minute do, differs at the end. */
export const cutId = (id: string): string => (id.length > 2 * END + 1 ? `${id.slice(0, END)}…${id.slice(-END)}` : id);

export function Id({ id, what = 'id' }: { id: string; what?: string }) {
  return (
    <span className={styles.id}>
      <code title={id}>{cutId(id)}</code>
      <Copy text={id} what={what} />
    </span>
  );
}

/** A button that copies a text. `what`: the name of what is copied. */
export function Copy({ text, what }: { text: string; what: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      notify({ text: `Copied: ${what}` });
      setTimeout(() => setCopied(false), 2_000);
    } catch {
      notify({ tone: 'bad', text: 'The browser did not allow copying. Select the text and copy it yourself.' });
    }
  };
  return <IconButton label={`Copy ${what}`} icon={isCopied ? 'check' : 'copy'} onPress={() => void copy()} />;
}
