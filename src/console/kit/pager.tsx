// Moves between the pages of a list.
import { Button } from './button';
import styles from './pager.module.css';

export interface PagerProps {
  hasPrevious: boolean;
  hasNext: boolean;
  onFirst(): void;
  onNext(): void;
}

export function Pager({ hasPrevious, hasNext, onFirst, onNext }: PagerProps) {
  if (!hasPrevious && !hasNext) return null;
  return (
    <nav className={styles.pager} aria-label="Pages">
      {hasPrevious && <Button onPress={onFirst}>First page</Button>}
      {hasNext && <Button onPress={onNext}>Next page</Button>}
    </nav>
  );
}
