// Promise: a deleted row's values are sent as those of the row that existed, whatever their type.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHookgraph, type Hookgraph } from '../../src/index.js';
import { createPlainLog } from '../../src/runtime/plain-log.js';
import type { Worker } from '../../src/worker/index.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { until } from '../support/until.js';

/** Types and values of columns. Values of JSON columns are compared as JSON. */
const VALUES: [type: string, value: string][] = [
  ['numeric', "'NaN'"],
  ['numeric', "'-Infinity'"],
  ['numeric', '1.10'],
  ['numeric', '-0.0'],
  ['numeric', '1e-7'],
  ['numeric', '1e400'],
  ['numeric[]', "'{NaN,Infinity,1.10,NULL}'"],
  ['numeric[]', "'{{1.10,2.0},{3,4}}'"],
  ['posnum', '1.10'],
  ['posnum[]', "ARRAY[1.10,'Infinity',NULL]::posnum[]"],
  ['double precision', "'-0'"],
  ['double precision', "'NaN'"],
  ['double precision', '1e308'],
  ['float8[]', "'{-0,1e300,0.1}'"],
  ['real', '0.1'],
  ['int8', '-9223372036854775808'],
  ['date', "'infinity'"],
  ['date', "'0044-03-15 BC'"],
  ['date[]', '\'{infinity,"0044-03-15 BC",5874897-12-31,NULL}\''],
  ['timestamptz', "'infinity'"],
  ['timestamptz', "'294276-12-31 23:59:59.999999+00'"],
  ['timestamp', "'0001-01-01 00:00:00 BC'"],
  ['time', "'24:00:00'"],
  ['timetz', "'24:00:00+14'"],
  ['interval', "'1 year 2 mons -3 days 04:05:06.7'"],
  ['interval[]', "'{infinity,1 day,NULL}'"],
  ['money', "'-92233720368547758.08'"],
  ['bytea', "'\\x'"],
  ['bytea', "'\\x00ff'"],
  ['bytea[]', "ARRAY['\\x00ff'::bytea,NULL]"],
  ['bit varying', "B''"],
  ['numrange', "'[-infinity,1.10)'"],
  ['numrange[]', "ARRAY['empty'::numrange,'(,1.10]']"],
  ['tstzrange', "'[0044-03-15 BC,infinity)'"],
  ['int8multirange', "'{[1,3),[9223372036854775806,9223372036854775807)}'"],
  ['"Pair"', "ROW('NaN','infinity','0044-03-15 BC',9007199254740993,ROW(1.10,'{3,1}'))"],
  ['"Pair"', 'ROW(NULL,NULL,NULL,NULL,NULL)'],
  ['"Pair"', 'ROW(1.10,NULL,NULL,NULL,ROW(-0.0,NULL))'],
  ['"Pair"[]', "ARRAY[ROW('Infinity','-infinity','infinity',1,ROW(2.50,NULL))::\"Pair\",NULL]"],
  ['pairs', 'ROW(2.50,NULL,NULL,NULL,NULL)'],
  ['jsonb', '\'{"b":1.10,"a":{"z":1,"y":750727362669608961}}\''],
  ['jsonb', "'[1.50,null]'"],
  ['jsonb[]', 'ARRAY[\'{"b":1.10}\'::jsonb,NULL]'],
  ['json', '\'{"a":1.50}\''],
  ['point', "'(NaN,Infinity)'"],
  ['point', "'(1e300,-0)'"],
  ['inet', "'10.0.0.1/8'"],
  ['char(5)', "'ab'"],
  ['oid', '4294967295'],
];
const names = VALUES.map((_, index) => `c${index}`);

let database: TestDatabase;
let receiver: Receiver;
let hooks: Hookgraph;
let working: Worker;
beforeAll(async () => {
  database = await testDatabase({ empty: true });
  receiver = await startReceiver();
  await database.pool.query(`CREATE DOMAIN posnum AS numeric CHECK (VALUE > 0); CREATE TYPE inner_pair AS (z numeric, a int[]);
    CREATE TYPE "Pair" AS ("A b" numeric, t timestamptz, d date, i int8, p inner_pair); CREATE DOMAIN pairs AS "Pair";
    CREATE TABLE odds (id int8 PRIMARY KEY, org text, n int, ${VALUES.map(([type], index) => `c${index} ${type}`).join(', ')})`);
  hooks = createHookgraph<{ org: string }>({
    database: database.url,
    keys: [randomBytes(32)],
    tables: { Odd: { tenant: 'org' } },
    signIn: async () => ({ org: 'acme' }),
    context: () => ({ org: 'acme' }),
    actor: () => ({ tenant: 'acme', userId: '1', canManageWebhooks: true }),
    settings: { allowedNetworks: ['127.0.0.0/8'] },
    log: createPlainLog('error'),
  });
  await hooks.migrate();
  working = await hooks.work();
}, 120_000);
afterAll(async () => {
  await working?.stop();
  await hooks?.close();
  await receiver.close();
  await database.close();
});

async function ask(query: string, variables = {}) {
  const request = new Request('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the shape of the answer that it queries
  const { data, errors } = (await (await hooks.handler(request)).json()) as any;
  expect(errors).toBeUndefined();
  return data;
}

const ids: string[] = [];

/** The bodies without their nulls, in the order of their ids. */
const compact = (body: string) => body.replace(/,?"c\d+":null/g, '');
const bodies = (operation: string) => {
  const sent = receiver.requests.filter(({ path }) => path === `/${operation}`).map(({ body }) => compact(body));
  return sent.sort((a, b) => parseInt(/\d+/.exec(a)?.[0] ?? '', 10) - parseInt(/\d+/.exec(b)?.[0] ?? '', 10));
};

it('sends the same of a deleted row as of the row', async () => {
  const query = `query($id: String!) { odd(id: $id) { id ${names.join(' ')} } }`;
  for (const operation of ['created', 'deleted']) {
    const { createWebhookSubscription } = await ask(
      `mutation($query: String, $url: String) { createWebhookSubscription(webhookSubscription: {
        topic: { key: "odd/${operation}" } callbackUrl: $url query: $query numbered: true }) { errors { field message } webhookSubscription { id } } }`,
      { query, url: `${receiver.url}/${operation}` },
    );
    expect(createWebhookSubscription.errors).toEqual([]);
    ids.push(createWebhookSubscription.webhookSubscription.id);
  }
  for (const [index, [type, value]] of VALUES.entries())
    await database.pool.query(`INSERT INTO odds (id, org, c${index}) VALUES (${index}, 'acme', ${value})`).catch((error) => {
      throw new Error(`${type} ${value}: ${error.message}`);
    });
  await until('all are told', () => bodies('created').length === VALUES.length);
  await database.pool.query('DELETE FROM odds');
  await until('all deletions are told', () => bodies('deleted').length === VALUES.length);
  expect(bodies('deleted')).toEqual(bodies('created'));
});

it('tells them again from what is stored, and finds no difference in a rehearsed replay', async () => {
  const inOrder = (list: string[]) => list.toSorted();
  for (const [place, operation] of ['created', 'deleted'].entries()) {
    const { webhookSubscription, webhookReplayDryRun } = await ask(
      `query($id: ID!) {
        webhookSubscription(id: $id) { deliveriesAfter(sequence: "0") { hasMore nodes { body bodyState } } }
        webhookReplayDryRun(webhookSubscriptionId: $id, includeDelivered: true) {
          sendCount rehearsal(first: 100) { examinedCount changedCount failedCount events { outcome message changes { path before after } } } } }`,
      { id: ids[place] },
    );
    const { hasMore, nodes } = webhookSubscription.deliveriesAfter;
    expect(hasMore).toBe(false);
    expect(inOrder(nodes.map(({ body }: { body: string }) => compact(body)))).toEqual(inOrder(bodies(operation)));
    expect(webhookReplayDryRun.sendCount).toBe(VALUES.length);
    const { events } = webhookReplayDryRun.rehearsal;
    expect(events.filter(({ changes }: { changes: object[] | null }) => changes?.length !== 0)).toEqual([]);
    expect(webhookReplayDryRun.rehearsal).toMatchObject({ examinedCount: VALUES.length, changedCount: 0, failedCount: 0 });
  }
});
