// Tests rehearsals: what a replay or a draft would do with stored events, and how an error template judges stored answers.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { relayOnce } from '../../../src/webhooks/fan-out/relay.js';
import {
  type Actor,
  dryRunReplay,
  type ReplayMode,
  type ReplayScope,
  rehearseDraft,
  rehearseErrorTemplate,
  rehearseReplay,
  type SubscriptionInput,
  updateSubscription,
} from '../../../src/webhooks/index.js';
import { changesOf } from '../../../src/webhooks/operations/rehearsal/body-changes.js';
import { deliveriesOf } from '../../support/engine-rows.js';
import { type EngineWorld, OWNER, startEngineWorld } from '../../support/engine-world.js';
import { recordStatements } from '../../support/record-statements.js';
import { until } from '../../support/until.js';

let world: EngineWorld;
beforeAll(async () => {
  world = await startEngineWorld();
});
afterEach(() => world.clear());
afterAll(() => world.close());

const TEMPLATE = '{"name": {{ data.node.name | json }}, "at": {{ notification.time | json }}, "id": {{ notification.id | json }}}';
const ended = (id: string, count: number) =>
  until('the deliveries end', async () => {
    const rows = await deliveriesOf(world.db.pool, id);
    return rows.length === count && rows.every(({ state }) => ['DELIVERED', 'SKIPPED', 'FAILED'].includes(state)) ? rows : null;
  });

/** Delivers a notification for each name, and stops the worker. */
async function sent(names: string[], input: Partial<SubscriptionInput> = {}): Promise<string> {
  const id = await world.subscribe({ template: TEMPLATE, ...input });
  const working = await world.work();
  await world.insertThings(...names);
  await ended(id, names.length);
  await working.stop();
  return id;
}

async function rehearse(
  id: string,
  mode: ReplayMode,
  more: Partial<ReplayScope> = {},
  page = { first: 100, after: null as string | null },
) {
  const scope = { from: null, to: null, includesDelivered: true, mode, ...more };
  const run = await dryRunReplay(world.webhooks.engine, OWNER, id, scope);
  if (!run) throw new Error('The user has no such subscription.');
  return rehearseReplay(world.webhooks.engine, OWNER, run, page);
}

const draft = (
  input: SubscriptionInput,
  { id = null as string | null, first = 100, after = null as string | null, actor = OWNER as Actor } = {},
) => rehearseDraft(world.webhooks.engine, actor, { id, input, first, after });

it('says of a replay what would be sent, skipped, changed or impossible, and sends nothing', async () => {
  const id = await sent(['Ada', 'Bob', 'Cy']);
  const rows = () =>
    world.db.pool.query(
      'SELECT (SELECT count(*) FROM hookgraph.deliveries) AS deliveries, (SELECT count(*) FROM hookgraph.attempts) AS attempts',
    );
  const before = (await rows()).rows;
  const same = await rehearse(id, 'NEW_PAYLOAD');
  expect(same.events.map(({ outcome, changes }) => [outcome, changes])).toEqual(Array(3).fill(['SENT', []]));
  expect(same.hasNext).toBe(false);

  await world.db.pool.query(`UPDATE public.things SET name = 'Eve' WHERE name = 'Ada'`);
  const validationTemplate = '{% if data.node.name == "Bob" %}false{% else %}true{% endif %}';
  await updateSubscription(world.webhooks.engine, OWNER, id, { validationTemplate });
  const outcomes = async (mode: ReplayMode) =>
    (await rehearse(id, mode)).events.map(({ outcome, code, changes }) => [outcome, code, changes]);
  const name = [{ path: '$.name', before: '"Ada"', after: '"Eve"' }];
  expect(await outcomes('NEW_PAYLOAD')).toEqual([
    ['SENT', null, name],
    ['SKIPPED', null, null],
    ['SENT', null, []],
  ]);
  expect(await outcomes('STORED_PAYLOAD')).toEqual([
    ['SENT', null, []],
    ['SKIPPED', null, null],
    ['SENT', null, []],
  ]);
  expect(await outcomes('SENT_BYTES')).toEqual(Array(3).fill(['SENT', null, []]));
  expect((await rows()).rows).toEqual(before);
  // Stores the first attempt in the form of an earlier version, and deletes the last attempt.
  const old = `exchange_id = NULL, request_url = 'https://x.example/', request_headers = '{}', request_body = '{"name": "Old"}'`;
  await world.db.pool.query(`UPDATE hookgraph.attempts SET ${old} WHERE id = (SELECT min(id) FROM hookgraph.attempts)`);
  await world.db.pool.query('DELETE FROM hookgraph.attempts WHERE id = (SELECT max(id) FROM hookgraph.attempts)');
  const codes = async (mode: ReplayMode) => (await outcomes(mode)).map(([outcome, code]) => [outcome, code]).sort();
  expect(await codes('SENT_BYTES')).toEqual([
    ['IMPOSSIBLE', 'NOT_KEPT'],
    ['SENT', null],
    ['SENT', null],
  ]);
  expect(await codes('STORED_PAYLOAD')).toEqual(
    expect.arrayContaining([
      ['IMPOSSIBLE', 'NOT_KEPT'],
      ['IMPOSSIBLE', 'NO_PAYLOAD'],
    ]),
  );
  world.host.fail = 'boom';
  const failing = await rehearse(id, 'NEW_PAYLOAD');
  expect(failing.events[0]).toMatchObject({ outcome: 'FAILED', stage: 'QUERY', message: expect.stringContaining('boom'), body: null });
  expect(world.receiver.requests).toHaveLength(3);
});

it('goes on page by page, over the events of selected deliveries, too', async () => {
  const id = await sent(['Ada', 'Bob', 'Cy', 'Dan', 'Eve']);
  const seen: string[] = [];
  let page = await rehearse(id, 'NEW_PAYLOAD', {}, { first: 2, after: null });
  for (let pages = 0; pages < 5; pages++) {
    seen.push(...page.events.map(({ eventId }) => eventId));
    if (!page.hasNext) break;
    page = await rehearse(id, 'NEW_PAYLOAD', {}, { first: 2, after: page.position });
  }
  const { rows } = await world.db.pool.query('SELECT event_id, id FROM hookgraph.deliveries ORDER BY event_id');
  expect(seen).toEqual(rows.map(({ event_id }) => event_id));
  const deliveries = { ids: [rows[1].id, rows[3].id, '7'], filter: {} };
  const chosen = await rehearse(id, 'SENT_BYTES', { deliveries });
  expect(chosen.events.map(({ eventId }) => eventId)).toEqual([seen[1], seen[3]]);
  await world.db.pool.query('DELETE FROM hookgraph.events WHERE id = $1', [seen[1]]);
  const scope = { from: null, to: null, includesDelivered: false, deliveries };
  const counted = await dryRunReplay(world.webhooks.engine, OWNER, id, scope);
  expect(counted).toMatchObject({ sent: 1, countedTo: null, problem: null, range: { eventIds: [seen[1], seen[3]] } });
});

it('takes as many statements for many events as for one, but for their queries', async () => {
  const id = await sent(['Ada', 'Bob', 'Cy', 'Dan'], { query: null, template: '{"name": {{ event.after.name | json }}}' });
  const cost: number[] = [];
  for (const first of [1, 4]) {
    const { statements, stop } = recordStatements(world.db.pool);
    const { events } = await rehearse(id, 'SENT_BYTES', {}, { first, after: null });
    stop();
    expect(events).toHaveLength(first);
    cost.push(statements.length);
  }
  expect(cost[1]).toBe(cost[0]);
});

it('tries a draft on stored events, and compares it with the live version', async () => {
  const id = await sent(['Ada', 'Bob', 'Cy']);
  await world.db.pool.query(`DELETE FROM public.things WHERE name = 'Cy'`);
  const template = '{"name": {{ data.node.name | json }}, "is_new": true}';
  const validationTemplate = '{% if data.node.name == "Bob" %}false{% elsif data.node.name == "Cy" %}perhaps{% else %}true{% endif %}';
  const { problems, rehearsal } = await draft({ template, validationTemplate }, { id });
  expect(problems.filter(({ severity }) => severity !== 'warning')).toEqual([]);
  expect(rehearsal?.events.map(({ outcome, stage, before }) => [outcome, stage, before?.outcome])).toEqual([
    ['FAILED', 'VALIDATION', 'SENT'],
    ['SKIPPED', 'VALIDATION', 'SENT'],
    ['SENT', null, 'SENT'],
  ]);
  const [failed, , kept] = rehearsal?.events ?? [];
  expect(failed?.message).toContain('rendered "perhaps"');
  expect(kept?.body).toBe('{"name": "Ada", "is_new": true}');
  expect(kept?.changes?.map(({ path, before, after }) => [path, before === null, after])).toEqual([
    ['$.at', false, null],
    ['$.id', false, null],
    ['$.is_new', true, 'true'],
  ]);
  const { subscription } = { subscription: (await world.db.pool.query('SELECT version FROM hookgraph.subscriptions')).rows };
  expect(subscription).toEqual([{ version: 1 }]);
  expect(world.receiver.requests).toHaveLength(3);
});

it('tries a draft that was never saved, page by page, without a destination; and no broken one, nor a stranger’s', async () => {
  await world.insertThings('Ada', 'Bob');
  await world.db.pool.query(`INSERT INTO public.things (org, name) VALUES ('another', 'Stranger')`);
  await relayOnce(world.db.pool);
  const input = { topic: { key: 'thing/created' }, template: '{"name": {{ event.after.name | json }}}' };
  const first = (await draft(input, { first: 1 })).rehearsal;
  expect(first?.events).toMatchObject([{ outcome: 'SENT', body: '{"name": "Bob"}', before: null, changes: null }]);
  const second = (await draft(input, { first: 5, after: first?.position ?? null })).rehearsal;
  expect([second?.events.map(({ body }) => body), second?.hasNext]).toEqual([['{"name": "Ada"}'], false]);
  const broken = await draft({ ...input, template: '{{ event.' });
  expect([broken.problems.map(({ field }) => field), broken.rehearsal]).toEqual([expect.arrayContaining(['template']), null]);
  const id = await world.subscribe();
  expect((await draft(input, { id, actor: { ...OWNER, tenant: 'another' } })).problems).toMatchObject([{ type: 'NOT_FOUND' }]);
});

it('says which successes a new error template calls failures', async () => {
  world.receiver.answer = (response, { body }) => void response.end(body.includes('Bob') ? '{"error": "no such name"}' : '{"ok": true}');
  const id = await sent(['Ada', 'Bob', 'Cy']);
  const last = 'SELECT a.id FROM hookgraph.attempts a JOIN hookgraph.deliveries d ON d.id = a.delivery_id ORDER BY d.event_id DESC LIMIT 1';
  await world.db.pool.query(`UPDATE hookgraph.attempts SET exchange_id = 7 WHERE id = (${last})`);
  const judge = (errorTemplate: string, { first = 100, after = null as string | null, actor = OWNER as Actor } = {}) =>
    rehearseErrorTemplate(world.webhooks.engine, actor, { subscriptionId: id, errorTemplate, from: null, to: null, first, after });
  const { problems, answers, hasNext } = await judge('{{ body.error }}');
  expect([problems, hasNext]).toEqual([[], false]);
  expect(answers.map(({ outcome, message }) => [outcome, message])).toEqual([
    ['UNKNOWN', expect.any(String)],
    ['FAILED', 'no such name'],
    ['DELIVERED', null],
  ]);
  const page = await judge('{{ event.after.name }}', { first: 2 });
  expect([page.answers[1]?.message, page.hasNext]).toEqual(['Bob', true]);
  const rest = await judge('{{ event.after.name }}', { first: 2, after: page.position });
  expect([rest.answers.map(({ message }) => message), rest.hasNext]).toEqual([['Ada'], false]);
  expect((await judge('{{ body.')).problems).toMatchObject([{ field: 'errorTemplate' }]);
  expect((await judge('x', { actor: { ...OWNER, userId: 'other' } })).problems).toMatchObject([{ type: 'NOT_FOUND' }]);
});

it('compares bodies value by value, with all digits; other texts line by line', () => {
  expect(changesOf('{"a":1,"b":[1,2]}', '{ "b": [1, 2], "a": 1 }')).toEqual([]);
  expect(changesOf('{"a":{"b c":12345678901234567890},"d":[1]}', '{"a":{"b c":12345678901234567891},"d":[1,null]}')).toEqual([
    { path: '$.a["b c"]', before: '12345678901234567890', after: '12345678901234567891' },
    { path: '$.d[1]', before: null, after: 'null' },
  ]);
  expect(changesOf('[]', '{}')).toEqual([{ path: '$', before: '[]', after: '{}' }]);
  expect(changesOf('<a>\n<b/>\n</a>', '<a>\n<c/>\n<d/>\n</a>')).toEqual([{ path: 'line 2', before: '<b/>', after: '<c/>\n<d/>' }]);
  const many = (value: number) => JSON.stringify(Array(500).fill(value));
  expect(changesOf(many(1), many(2))).toHaveLength(50);
  const deep = (value: number) => `${'['.repeat(2_000)}${value}${']'.repeat(2_000)}`;
  expect(changesOf(deep(1), deep(2))).toHaveLength(1);
});
