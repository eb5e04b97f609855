// Walks through the pages of history as people do: from "nothing came" to the reason, resending, and deleting errors.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createUser } from '../support/journey.js';
import { until } from '../support/until.js';
import { type Console, hasBrowser, openConsole } from './browser.js';

describe.skipIf(!hasBrowser)('the pages of history', () => {
  let world: Console;
  beforeAll(async () => {
    world = await openConsole();
  });
  afterAll(() => world?.close());

  const page = () => world.page;
  const table = (label: string) => page().getByRole('region', { name: label, exact: true });
  const section = (title: string | RegExp) =>
    page()
      .locator('main section')
      .filter({ has: page().getByRole('heading', { level: 2, name: title }) });
  const rows = (label: string) => table(label).locator('tbody tr');
  const states = async () => {
    const { rows: found } = await world.product.pool.query(
      `SELECT kind, state, count(*)::int AS count FROM hookgraph.deliveries GROUP BY 1, 2`,
    );
    return found as { kind: string; state: string; count: number }[];
  };

  it('leads in three clicks from “nothing came” to the reason', async () => {
    await world.open('/webhooks');
    await page().getByRole('link', { name: 'Events' }).click();
    await table('Events')
      .getByRole('link', { name: /^User created/ })
      .first()
      .click();
    await page().getByRole('heading', { name: 'User created' }).waitFor();
    const decisions = section('What became of it');
    await decisions.getByText('Only in Berlin', { exact: true }).waitFor();
    expect(await decisions.innerText()).toMatch(/Skipped\s+Only in Berlin/);
    expect(await decisions.innerText()).toContain('validation template');
    const change = decisions.getByRole('link', { name: 'Change its validation template' });
    expect(await change.getAttribute('href')).toMatch(/\/webhooks\/.+\/edit\?field=validationTemplate$/);
    const after = page().getByRole('region', { name: 'Values before and after' });
    expect(await after.innerText()).toContain('Sample');
    await decisions.getByRole('link', { name: 'See the delivery' }).first().click();
    await section(/attempt/).waitFor();
  });

  it('shows a delivery as a timeline, with the request, the response and a command for curl', async () => {
    await world.open('/deliveries?state=DELIVERED');
    await rows('Deliveries').first().getByRole('link').click();
    await page().getByRole('list', { name: 'Stages of attempt 1' }).waitFor();
    const request = page().getByRole('region', { name: 'Request', exact: true });
    await request.getByText('POST http').waitFor();
    expect(await request.innerText()).toContain('has joined');
    await request.getByRole('button', { name: 'Copy the request as curl' }).click();
    expect(await page().evaluate('navigator.clipboard.readText()')).toMatch(/^curl -X POST 'http.*\n[\s\S]*--data-binary '/);
    expect(await page().getByRole('region', { name: 'Response', exact: true }).innerText()).toContain('"received": true');
    // An id is shown shortened, but copied whole.
    const id = page().locator('dd code').first();
    expect(await id.innerText()).toMatch(/^.{6}….{6}$/);
    await page().getByRole('button', { name: 'Copy id of the delivery' }).click();
    expect(await page().evaluate('navigator.clipboard.readText()')).toBe(await id.getAttribute('title'));
    expect(await id.getAttribute('title')).toMatch(/^\d{15,}$/);
  });

  it('counts new deliveries without moving the rows, and finds any id', async () => {
    await world.open('/deliveries');
    const first = rows('Deliveries').first();
    await first.waitFor();
    const before = await first.innerText();
    await createUser(world.product, { firstName: 'New', lastName: 'Comer' });
    const more = page().getByRole('button', { name: /^\d+ new$/ });
    await more.waitFor();
    expect((await first.innerText()).split('\n').slice(0, 2)).toEqual(before.split('\n').slice(0, 2));
    const href = await first.getByRole('link').getAttribute('href');
    await more.click();
    await more.waitFor({ state: 'detached' });
    await until('the new row stands first', async () => (await first.getByRole('link').getAttribute('href')) !== href);
    await first.getByRole('link').click();
    const id = (await page().locator('dd code').first().getAttribute('title')) as string;
    await world.open('/deliveries');
    await page().getByRole('searchbox').fill(id);
    await page().waitForURL(/search=/);
    await until('one row is left', async () => (await rows('Deliveries').count()) === 1);
    await page().getByRole('searchbox').fill('no message has these words');
    await page().getByRole('heading', { name: 'No delivery matches' }).waitFor();
    await page().getByRole('button', { name: 'Show all deliveries' }).click();
    await rows('Deliveries').first().waitFor();
  });

  it('resends one, some, and all that match with progress', async () => {
    await world.open('/deliveries?state=DELIVERED');
    await rows('Deliveries').first().getByRole('link').click();
    await page().getByRole('button', { name: 'Resend as new' }).click();
    await page().getByText('A new delivery is due now.').waitFor();
    await until('it is sent', async () => (await states()).some(({ kind, state }) => kind === 'RESEND' && state === 'DELIVERED'));

    await world.open('/deliveries?state=DELIVERED');
    // Waits for the newest answer, because the list first shows its previous answer again.
    await rows('Deliveries').first().getByText('resend').waitFor();
    for (const index of [0, 1]) await rows('Deliveries').nth(index).getByRole('checkbox').check();
    await page().getByRole('button', { name: 'Resend 2', exact: true }).click();
    const dialog = page().getByRole('dialog', { name: 'Resend 2 deliveries' });
    await dialog.getByRole('checkbox').check();
    await world.isAccessible();
    await dialog.getByRole('button', { name: 'Resend 2' }).click();
    await page().getByText('Resending 2 deliveries.').waitFor();
    await until('they are sent', async () => (await states()).some(({ kind, count }) => kind === 'RESEND' && count >= 3));

    await page().getByRole('button', { name: 'Resend all that match…' }).click();
    const all = page().getByRole('dialog', { name: 'Resend all that match' });
    await all.getByText(/deliveries match the filters/).waitFor();
    await all.getByRole('button', { name: /^Resend \d+$/ }).click();
    await all.waitFor({ state: 'detached' });
    await until('the action has ended', async () => {
      const { rowCount } = await world.product.pool.query("SELECT 1 FROM hookgraph.bulk_actions WHERE state = 'RUNNING'");
      return rowCount === 0;
    });
  });

  it('shows the progress of an action, and cancels it', async () => {
    const { pool } = world.product;
    // The action waits, because its webhook is disabled.
    await pool.query(
      `WITH action AS (
         INSERT INTO hookgraph.bulk_actions (tenant, owner, kind, filter, until_id)
         SELECT s.tenant, s.owner, 'RESEND', '{}', hookgraph.next_id() FROM hookgraph.subscriptions s WHERE s.status = 'DISABLED' LIMIT 1 RETURNING id
       )
       INSERT INTO hookgraph.bulk_action_parts (action_id, subscription_id, total, done, position)
       SELECT action.id, s.id, 400, 100, 0 FROM action, hookgraph.subscriptions s WHERE s.status = 'DISABLED' LIMIT 1`,
    );
    await world.open('/deliveries');
    const running = page().getByRole('region', { name: 'Running actions' });
    await running.getByText('100 of 400').waitFor();
    expect(await running.getByRole('progressbar').getAttribute('value')).toBe('0.25');
    await world.isAccessible();
    await running.getByRole('button', { name: 'Cancel: Resending deliveries' }).click();
    await running.waitFor({ state: 'detached' });
    await page().getByText('Resent: 100 deliveries, then cancelled.').waitFor();
  });

  it('counts what a replay would send before it starts', async () => {
    await world.open(`/webhooks/${world.history.webhooks?.fails}/deliveries`);
    await page().getByRole('button', { name: 'Replay…' }).click();
    const dialog = page().getByRole('dialog', { name: 'Replay events' });
    await dialog.getByText('Would be sent').waitFor();
    await dialog.getByRole('checkbox').check();
    const start = dialog.getByRole('button', { name: /^Replay [1-9]\d*$/ });
    await start.waitFor();
    const rehearsal = dialog.getByRole('status', { name: 'Rehearsal' });
    await rehearsal.getByText('Not possible, because not enough is stored').waitFor();
    await dialog.getByLabel('What is sent').selectOption('SENT_BYTES');
    await rehearsal.getByText('Not possible, because not enough is stored').waitFor();
    await start.waitFor();
    await world.isAccessible();
    await start.click();
    await page().getByText('The replay is running.').waitFor();
    await until('it has made deliveries', async () => (await states()).some(({ kind }) => kind === 'REPLAY'));
    expect((await world.product.pool.query('SELECT mode FROM hookgraph.replays ORDER BY id DESC LIMIT 1')).rows).toEqual([
      { mode: 'SENT_BYTES' },
    ]);
  });

  it('deletes errors by their boxes, and all that match', async () => {
    await world.open('/errors');
    await rows('Errors').first().waitFor();
    const heading = page().getByRole('heading', { level: 1 });
    const countOf = async () => Number(/\d+/.exec((await heading.innerText()).replaceAll(',', ''))?.[0] ?? -1);
    await until('the count is there', async () => (await countOf()) > 1);
    await rows('Errors').first().getByRole('checkbox').check();
    await page().getByRole('button', { name: 'Delete 1', exact: true }).click();
    await page().getByText('Deleted 1 error. The attempts are kept.').waitFor();
    await rows('Errors').first().getByRole('link').click();
    await page()
      .getByRole('list', { name: /Stages of attempt/ })
      .waitFor();
    await page().goBack();
    await page().getByRole('button', { name: 'Delete all that match…' }).click();
    await page()
      .getByRole('dialog')
      .getByRole('button', { name: /^Delete \d+$/ })
      .click();
    await page()
      .getByText(/^Deleted: \d+ errors\.$/)
      .waitFor();
  });

  it('shows what a topic sends, and leads to the form', async () => {
    await world.open('/topics');
    await page().getByRole('searchbox').fill('user created');
    await page().waitForURL(/search=/);
    await page().getByRole('link', { name: 'user/created', exact: true }).click();
    await page().getByRole('region', { name: 'Example of the payload' }).waitFor();
    expect(await page().getByRole('region', { name: 'JSON Schema of the payload' }).innerText()).toContain('"additionalProperties": false');
    await page().getByRole('link', { name: 'Subscribe to user/created' }).click();
    await page().waitForURL(/\/webhooks\/new\?topic=user%2Fcreated/);
  });

  it('accounts for every event by webhook and by topic, and leads from a number to its deliveries', async () => {
    await world.open('/books');
    await page().getByText('Everything adds up').waitFor();
    const sums = table('Sums');
    const numbers = async (name: string) => (await sums.getByRole('row').filter({ hasText: name }).innerText()).split(/\s*\t\s*|\n+/);
    const { rows: deliveries } = await world.product.pool.query(
      `SELECT d.state, count(*)::text AS count FROM hookgraph.deliveries d JOIN hookgraph.subscriptions s ON s.id = d.subscription_id
       WHERE s.name = 'Only in Berlin' AND d.kind = 'LIVE' GROUP BY 1 ORDER BY 1`,
    );
    const counts = deliveries.map(({ count }: { count: string }) => count);
    expect(deliveries.map(({ state }: { state: string }) => state)).toEqual(['DELIVERED', 'SKIPPED']);
    const total = String(counts.reduce((sum, count) => sum + Number(count), 0));
    // Delivered, skipped, missing, and all of them.
    expect(await numbers('Only in Berlin')).toEqual(['Only in Berlin', 'user/created', ...counts, '0', total]);
    const totals = async () => (await sums.locator('tbody tr td:last-child').allInnerTexts()).reduce((sum, text) => sum + Number(text), 0);
    const ofAll = await totals();
    expect(await table('Outcomes').innerText()).toContain('The validation template decided not to send it.');
    await world.isAccessible();
    await page().getByRole('combobox', { name: 'Sums' }).selectOption('By topic');
    await expect.poll(() => sums.locator('tbody tr').count()).toBe(1);
    expect((await numbers('user/created'))[0]).toBe('user/created');
    expect(await totals()).toBe(ofAll);
    await page().getByRole('combobox', { name: 'Sums' }).selectOption('By webhook');
    const skipped = sums.getByRole('row').filter({ hasText: 'Only in Berlin' }).getByRole('link').last();
    const count = Number(await skipped.innerText());
    await skipped.click();
    await page().waitForURL(/state=SKIPPED/);
    await until('its deliveries are listed', async () => (await rows('Deliveries').count()) === count);
    await world.open('/books?span=all');
    const ofAllTime = sums.getByRole('row').filter({ hasText: 'Only in Berlin' }).getByRole('link').last();
    expect(await ofAllTime.getAttribute('href')).not.toContain('since=');
  });

  it('says who made a change', async () => {
    const { rows: events } = await world.product.pool.query(
      `UPDATE hookgraph.events SET context = '{"actor": {"userId": "7", "name": "Ada"}}' WHERE id = (SELECT max(id) FROM hookgraph.events) RETURNING id`,
    );
    await world.open(`/events/${events[0].id}`);
    await page().getByText('userId: 7, name: Ada', { exact: true }).waitFor();
  });

  it('names what contradicts in the books, says when nothing happened, and never takes a failed load for that', async () => {
    const { pool } = world.product;
    const { rows: wrong } = await pool.query<{ id: string }>(
      `UPDATE hookgraph.deliveries SET attempt_count = attempt_count + 7
       WHERE id = (SELECT max(id) FROM hookgraph.deliveries WHERE state = 'DELIVERED') RETURNING id::text`,
    );
    await world.open('/books?span=7d');
    const fault = page().getByRole('region', { name: '1 row contradicts the others' });
    await fault.getByText(`delivery ${wrong[0]?.id}`).waitFor();
    expect(await page().getByText('Everything adds up').count()).toBe(0);
    await world.isAccessible();
    await fault.getByRole('link', { name: 'Delivery' }).click();
    await section(/attempt/).waitFor();
    await pool.query('UPDATE hookgraph.deliveries SET attempt_count = attempt_count - 7 WHERE id = $1', [wrong[0]?.id]);
    await world.open('/books');
    await page().getByText('Everything adds up').waitFor();
    world.expectFault('503');
    await page().route('**/graphql', async (route) => {
      if (route.request().postData()?.includes('query Books')) await route.fulfill({ status: 503, body: 'no' });
      else await route.continue();
    });
    await page().goto(`${world.product.url}/console/books?by=topic`);
    await page().getByRole('alert').getByText('Loading the books failed.').waitFor();
    expect(await page().getByText('Nothing changed').count()).toBe(0);
    await page().unroute('**/graphql');
    await page().getByRole('button', { name: 'Try again' }).click();
    await page().getByText('Everything adds up').waitFor();
  });

  it('says that a list failed to load, and never that it is empty', async () => {
    world.expectFault('500');
    await page().route('**/graphql', async (route) => {
      if (route.request().postData()?.includes('query Deliveries')) await route.fulfill({ status: 500, body: 'no' });
      else await route.continue();
    });
    await page().goto(`${world.product.url}/console/deliveries?search=fresh`);
    await page().getByRole('alert').getByText('Loading deliveries failed.').waitFor();
    expect(await page().getByText('No delivery').count()).toBe(0);
    await page().unroute('**/graphql');
    await page().getByRole('button', { name: 'Try again' }).click();
    await page().getByRole('heading', { name: 'No delivery matches' }).waitFor();
  });
});
