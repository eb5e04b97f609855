// Says how many rows are selected, and offers an action on them, or on all that match the filters.
import { Button } from './button';
import styles from './selection-bar.module.css';

export interface SelectionBarProps {
  count: number;
  /** The plural noun of the rows. */
  what: string;
  /** The name of the action, such as "Resend". */
  action: string;
  isDangerous?: boolean;
  isBusy?: boolean;
  unavailable: string | null;
  onAct(): void;
  onActOnAll(): void;
  onClear(): void;
}

export function SelectionBar({
  count,
  what,
  action,
  isDangerous = false,
  isBusy = false,
  unavailable,
  onAct,
  onActOnAll,
  onClear,
}: SelectionBarProps) {
  return (
    <section className={styles.bar} aria-label={`Selected ${what}`}>
      <span role="status" className={styles.count}>
        {count === 0 ? `Select ${what} by their boxes` : `${count} selected`}
      </span>
      {count > 0 && (
        <>
          <Button tone={isDangerous ? 'danger' : 'primary'} isBusy={isBusy} unavailable={unavailable} onPress={onAct}>
            {action} {count}
          </Button>
          <Button tone="quiet" onPress={onClear}>
            Clear
          </Button>
        </>
      )}
      <Button unavailable={unavailable} onPress={onActOnAll}>
        {action} all that match…
      </Button>
    </section>
  );
}
