// Shows two versions of a webhook's definition side by side.
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { diffLines } from 'diff';
import { useApi } from '../../app/queries';
import { prettyJson } from '../../kit/code';
import { Select } from '../../kit/field';
import { Empty, Loaded } from '../../kit/loaded';
import { Section } from '../../kit/page';
import { Time } from '../../kit/time';
import styles from './overview.module.css';
import { VERSIONS, type Version } from './queries';

const route = getRouteApi('/webhooks/$webhookId/versions');

export function VersionsTab() {
  const { webhookId } = route.useParams();
  const query = useApi(VERSIONS, { id: webhookId, before: null });
  return (
    <Section title="Versions">
      <Loaded query={query} what="the versions">
        {({ webhookSubscription }) => <Compare versions={webhookSubscription?.versions ?? []} />}
      </Loaded>
    </Section>
  );
}

function Compare({ versions }: { versions: Version[] }) {
  const search = route.useSearch();
  const navigate = useNavigate();
  const [newest, before] = versions;
  if (!newest) return <Empty title="There is no version" />;
  const right = versions.find(({ number }) => String(number) === search.right) ?? newest;
  const left =
    versions.find(({ number }) => String(number) === search.left) ??
    versions.find(({ number }) => number < right.number) ??
    before ??
    newest;
  const choices = versions.map(({ number }) => [String(number), `Version ${number}`] as const);
  const pick = (change: { left?: string; right?: string }) =>
    void navigate({ to: '.', search: { left: String(left.number), right: String(right.number), ...change }, replace: true });
  if (versions.length === 1)
    return (
      <p>
        There is one version so far, of <Time at={newest.createdAt} />. Each change of the definition makes a further one.
      </p>
    );
  return (
    <div className={styles.versions}>
      <div className={styles.pick}>
        <div className={styles.version}>
          <Select aria-label="Left version" value={String(left.number)} choices={choices} onChange={(value) => pick({ left: value })} />
          <span>
            of <Time at={left.createdAt} />, beside
          </span>
        </div>
        <div className={styles.version}>
          <Select aria-label="Right version" value={String(right.number)} choices={choices} onChange={(value) => pick({ right: value })} />
          <span>
            of <Time at={right.createdAt} />
          </span>
        </div>
      </div>
      <Diff left={textOf(left)} right={textOf(right)} />
    </div>
  );
}

/** Prints a definition. Line breaks in texts such as queries aren't escaped, so that the texts stay readable. */
const textOf = ({ definition }: Version): string => prettyJson(definition).replaceAll('\\n', '\n    ').replaceAll('\\"', '"');

interface Row {
  left: string | null;
  right: string | null;
}

/** Puts removed lines beside the added ones that follow them. */
export function rowsOf(left: string, right: string): Row[] {
  const rows: Row[] = [];
  let removed: string[] = [];
  const flush = (added: string[]) => {
    for (let i = 0; i < Math.max(removed.length, added.length); i++) rows.push({ left: removed[i] ?? null, right: added[i] ?? null });
    removed = [];
  };
  for (const { value, added, removed: isRemoved } of diffLines(left, right)) {
    const lines = value.replace(/\n$/, '').split('\n');
    if (isRemoved) removed = lines;
    else if (added) flush(lines);
    else {
      flush([]);
      for (const line of lines) rows.push({ left: line, right: line });
    }
  }
  flush([]);
  return rows;
}

function Diff({ left, right }: { left: string; right: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className={styles.diff} aria-label="Differences" tabIndex={0}>
      <table>
        <thead className="visually-hidden">
          <tr>
            <th scope="col">Left version</th>
            <th scope="col">Right version</th>
          </tr>
        </thead>
        <tbody>
          {rowsOf(left, right).map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines keep their place
            <tr key={index}>
              <td data-change={row.left !== row.right && row.left !== null ? 'removed' : undefined}>{row.left}</td>
              <td data-change={row.left !== row.right && row.right !== null ? 'added' : undefined}>{row.right}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
