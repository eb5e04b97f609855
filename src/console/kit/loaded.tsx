// Tells loading, failed and loaded apart, so that a failed load never looks like an empty one.
import type { ReactNode } from 'react';
import { Button } from './button';
import styles from './loaded.module.css';

interface Query<Data> {
  data: Data | undefined;
  error: Error | null;
  isFetching: boolean;
  refetch(): unknown;
}

/** Shows the children when there is data. If the newest request failed, says above them that the data may be old. */
export function Loaded<Data>({ query, what, children }: { query: Query<Data>; what: string; children(data: Data): ReactNode }) {
  const { data, error } = query;
  if (data === undefined) return error ? <LoadFailed what={what} query={query} /> : <Loading what={what} />;
  return (
    <>
      {error && <LoadFailed what={what} query={query} isOld />}
      {children(data)}
    </>
  );
}

/** `isOld`: older data is still shown. */
export function LoadFailed({ what, query, isOld = false }: { what: string; query: Omit<Query<unknown>, 'data'>; isOld?: boolean }) {
  return (
    <div className={styles.failed} role="alert">
      <div>
        <strong>{isOld ? `What you see may be old: loading ${what} failed.` : `Loading ${what} failed.`}</strong>
        <p>{query.error?.message}</p>
      </div>
      <Button icon="refresh" isBusy={query.isFetching} onPress={() => void query.refetch()}>
        Try again
      </Button>
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <div className={styles.loading} role="status">
      <span className="visually-hidden">Loading {what}</span>
      <i />
      <i />
      <i />
    </div>
  );
}

/** Says that there is nothing, and what to do about it. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <h2>{title}</h2>
      {children}
      {action}
    </div>
  );
}
