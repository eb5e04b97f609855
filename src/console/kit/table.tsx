// A table of rows that open something. On a narrow screen, each row is a card.
import type { ReactNode } from 'react';
import { Icon } from './icon';
import styles from './table.module.css';

export interface Column<Row> {
  head: string;
  cell(row: Row): ReactNode;
  /** Sorts by this column when its head is pressed. */
  sort?: { direction: 'ascending' | 'descending' | null; onSort(): void };
  align?: 'right';
  /** Whether a narrow screen leaves the column out. */
  isMinor?: boolean;
  /** Whether the cell speaks for itself: a narrow screen shows it without its head, beside its neighbours. */
  isPlain?: boolean;
}

export interface TableProps<Row> {
  /** What the rows are, for screen readers. */
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey(row: Row): string;
  /** Adds a checkbox to each row, and one for all rows. */
  selection?: { selected: ReadonlySet<string>; onChange(selected: Set<string>): void; nameOf(row: Row): string };
}

/** The class of the link in a row's first cell: pressing anywhere in the row follows it. */
export const rowLinkClass = styles.rowLink as string;

export function Table<Row>({ label, columns, rows, rowKey, selection }: TableProps<Row>) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className={styles.frame} aria-label={label} tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            {selection && (
              <th className={styles.box}>
                <SelectAll rows={rows} rowKey={rowKey} selection={selection} />
              </th>
            )}
            {columns.map(({ head, sort, align, isMinor }) => (
              <th key={head} scope="col" data-align={align} data-minor={isMinor} aria-sort={sort?.direction ?? undefined}>
                {sort ? <SortButton head={head} sort={sort} /> : head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {selection && (
                <td className={styles.box}>
                  <input
                    type="checkbox"
                    aria-label={`Select ${selection.nameOf(row)}`}
                    checked={selection.selected.has(rowKey(row))}
                    onChange={() => selection.onChange(toggled(selection.selected, rowKey(row)))}
                  />
                </td>
              )}
              {columns.map(({ head, cell, align, isMinor, isPlain }) => (
                <td key={head} data-head={head} data-align={align} data-minor={isMinor} data-plain={isPlain}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function SortButton({ head, sort }: { head: string; sort: NonNullable<Column<never>['sort']> }) {
  return (
    <button type="button" className={styles.sort} onClick={sort.onSort}>
      {head}
      {sort.direction && <Icon name={sort.direction === 'ascending' ? 'up' : 'down'} size={14} />}
    </button>
  );
}

function SelectAll<Row>({ rows, rowKey, selection }: Required<Pick<TableProps<Row>, 'rows' | 'rowKey' | 'selection'>>) {
  const keys = rows.map(rowKey);
  const count = keys.filter((key) => selection.selected.has(key)).length;
  return (
    <input
      type="checkbox"
      aria-label="Select all rows"
      checked={count === keys.length && count > 0}
      ref={(box) => {
        if (box) box.indeterminate = count > 0 && count < keys.length;
      }}
      onChange={() => selection.onChange(new Set(count === keys.length ? [] : keys))}
    />
  );
}

function toggled(selected: ReadonlySet<string>, key: string): Set<string> {
  const next = new Set(selected);
  if (!next.delete(key)) next.add(key);
  return next;
}
