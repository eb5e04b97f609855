// Tests that the page about topics lists the topics that the product announces, each with what fires it.
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { testDatabase } from '../support/database.js';

const page = await readFile(new URL('../../docs/topics.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `(\w+\/\w+)` \| (.*?) \| (.*?) \|$/gm)].map(([, key, description, fires]) => ({
  key,
  description,
  fires,
}));

it('lists every topic with its description', async () => {
  const database = await testDatabase({ seeded: true });
  try {
    const { rows: stored } = await database.pool.query(
      'SELECT key, description FROM hookgraph.topics WHERE retired_at IS NULL ORDER BY key',
    );
    const listed = rows
      .map(({ key, description }) => ({ key, description }))
      .sort((a, b) => ((a.key as string) < (b.key as string) ? -1 : 1));
    expect(listed).toEqual(stored);
    expect(page).toContain(`${stored.length} topics`);
  } finally {
    await database.close();
  }
});

it.each([
  ['user/created', 'a row is inserted'],
  ['user/updated', 'a column changes, or a link in `groups` or `calls` is added or removed'],
  ['scenario_session/resumed', '`state` becomes `STARTED`, from `PAUSED`'],
  ['webhook_subscription/disabled', '`status` becomes `DISABLED`'],
])('says what fires %s', (key, fires) => {
  expect(rows.find((row) => row.key === key)?.fires).toContain(fires);
});
