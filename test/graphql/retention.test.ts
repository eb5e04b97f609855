// Tests that an admin can shorten the history of their organization by the API and the command line, and that changes name their author.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';
import { type CommandLine, commandLine } from '../support/command-line.js';

let t: ServedApp;
let cli: CommandLine;
beforeAll(async () => {
  t = await servedApp({});
  cli = await commandLine({ HOOKGRAPH_URL: t.api.url, HOOKGRAPH_TOKEN: ADMIN_TOKEN });
});
afterAll(async () => {
  await cli?.close();
  await t?.close();
});

const DAYS = 'bodyDays attemptDays errorDays eventDays';
const update = async (args: string) => {
  const { data, errors } = await t.ask(
    `mutation { updateWebhookRetention(${args}) { errors { field path message } webhookRetention { own { ${DAYS} } } } }`,
  );
  expect(errors).toBeUndefined();
  return (data as { updateWebhookRetention: unknown }).updateWebhookRetention;
};
const NONE = { bodyDays: null, attemptDays: null, errorDays: null, eventDays: null };

it('saves days in both forms, keeps those that are absent, and records who changed what', async () => {
  const saved = (own: object) => ({ errors: [], webhookRetention: { own: { ...NONE, ...own } } });
  expect(await update('bodyDays: 2, eventDays: 90')).toEqual(saved({ bodyDays: 2, eventDays: 90 }));
  expect(await update('input: { attemptDays: 5, eventDays: null }')).toEqual(saved({ bodyDays: 2, attemptDays: 5 }));
  expect(await update('bodyDays: 2')).toEqual(saved({ bodyDays: 2, attemptDays: 5 }));
  const { data } = await t.ask(
    `{ webhookRetention { installation { ${DAYS} } changes { totalCount nodes { changedBy before { ${DAYS} } after { ${DAYS} } } } } }`,
  );
  expect(data).toEqual({
    webhookRetention: {
      installation: { bodyDays: 7, attemptDays: 30, errorDays: 90, eventDays: 90 },
      changes: {
        totalCount: 2,
        nodes: [
          {
            changedBy: t.admin.userId,
            before: { ...NONE, bodyDays: 2, eventDays: 90 },
            after: { ...NONE, bodyDays: 2, attemptDays: 5 },
          },
          { changedBy: t.admin.userId, before: NONE, after: { ...NONE, bodyDays: 2, eventDays: 90 } },
        ],
      },
    },
  });
  await expect(t.database.pool.query('DELETE FROM hookgraph.tenant_retention_changes')).rejects.toThrow('only ever added to');
});

it('refuses to keep more than the installation, and less than a day', async () => {
  expect(await update('input: { bodyDays: 8, attemptDays: 0 }')).toEqual({
    errors: [
      { field: 'bodyDays', path: ['input', 'bodyDays'], message: 'must be 7 or less, because the installation keeps it no longer' },
      { field: 'attemptDays', path: ['input', 'attemptDays'], message: 'must be 1 or more' },
    ],
    webhookRetention: null,
  });
});

it('is shown and set by `hookgraph keep`', async () => {
  expect(await cli.json('keep', '--errors', '3d', '--bodies', 'default')).toMatchObject({ own: { bodyDays: null, errorDays: 3 } });
  const { stdout } = await cli.run(['keep']);
  expect(stdout).toContain('Attempts that failed or were held are kept 3 days; the installation keeps them 90 days.');
  expect(stdout).toContain('Requests and responses are kept 7 days.');
  expect((await cli.run(['keep', '--bodies', 'long'])).stderr).toContain('The value must be a number of days, such as 7, or default.');
});
