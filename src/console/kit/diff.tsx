// Shows two objects side by side, field by field, with what differs marked.
import styles from './diff.module.css';
import { printJson } from './exact-json';

interface Props {
  /** What the values are, for screen readers. */
  label: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : printJson(value, 2));

/** `null` on one side: the object did not exist. A field that changed comes before those that did not. */
export function Diff({ label, before, after }: Props) {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const isChanged = (name: string) => before === null || after === null || textOf(before[name]) !== textOf(after[name]);
  const sorted = [...names.filter(isChanged), ...names.filter((name) => !isChanged(name))];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className={styles.frame} aria-label={label} tabIndex={0}>
      <table className={styles.diff}>
        <thead>
          <tr>
            <th scope="col">Field</th>
            {before !== null && <th scope="col">Before</th>}
            {after !== null && <th scope="col">After</th>}
          </tr>
        </thead>
        <tbody>
          {sorted.map((name) => {
            const marks = before !== null && after !== null && isChanged(name);
            return (
              <tr key={name} data-changed={marks || undefined}>
                <th scope="row">
                  {name}
                  {marks && <span className="visually-hidden"> (changed)</span>}
                </th>
                {before !== null && <Value value={before[name]} mark={marks ? 'removed' : undefined} />}
                {after !== null && <Value value={after[name]} mark={marks ? 'added' : undefined} />}
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function Value({ value, mark }: { value: unknown; mark: 'removed' | 'added' | undefined }) {
  const isNothing = value === null || value === undefined;
  return (
    <td data-mark={mark}>
      {mark && <span aria-hidden="true">{mark === 'removed' ? '− ' : '+ '}</span>}
      {isNothing ? <i>empty</i> : <code>{textOf(value)}</code>}
    </td>
  );
}
