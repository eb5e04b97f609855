// Tests rows whose tenants are in other rows: the tenants are found after the commit, even if all rows were deleted together.
import { afterEach, describe, expect, it } from 'vitest';
import { prepareCapture } from '../../../src/webhooks/capture/prepare-capture.js';
import { relayOnce } from '../../../src/webhooks/fan-out/relay.js';
import { type AnnouncedNode, assignTenant, listWithoutTenant } from '../../../src/webhooks/index.js';
import { type CapturedTables, captureTables, prepareTables, silent, thing } from '../capture/captured-tables.js';

let db: CapturedTables;
afterEach(() => db.close());

const DDL = `
  CREATE TABLE spaces (id int PRIMARY KEY, org text);
  CREATE TABLE slots (id bigint PRIMARY KEY, space int REFERENCES spaces ON DELETE CASCADE);
  CREATE TABLE bookings (id int PRIMARY KEY, note text);
  CREATE TABLE booking_slots (booking int REFERENCES bookings ON DELETE CASCADE, slot bigint REFERENCES slots ON DELETE CASCADE,
    gone_at timestamptz, PRIMARY KEY (booking, slot));
  CREATE TABLE people (realm text, id int, email text, PRIMARY KEY (realm, id));
  CREATE TABLE memberships (realm text, member int, org text, FOREIGN KEY (realm, member) REFERENCES people ON DELETE CASCADE);
  ALTER TABLE memberships ADD id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY;
  INSERT INTO spaces VALUES (1, 'acme'), (2, 'other');
  INSERT INTO slots VALUES (1, 1), (2, 2), (3, 1)`;
const node = (typename: string, table: string, columns: string[], rest: Partial<AnnouncedNode>) =>
  thing({ typename, table: { schema: 'public', name: table }, columns: Object.fromEntries(columns.map((name) => [name, name])), ...rest });
const NODES = [
  node('Space', 'spaces', ['id'], { tenant: { column: 'org' } }),
  node('Slot', 'slots', ['id'], { tenant: { parent: { column: 'space', typename: 'Space' } } }),
  node('Booking', 'bookings', ['id', 'note'], { tenant: { children: { typename: 'BookingSlot', columns: ['booking'] } } }),
  node('BookingSlot', 'booking_slots', ['booking', 'slot'], {
    key: ['booking', 'slot'],
    tenant: { parent: { column: 'slot', typename: 'Slot' } },
    softDelete: { column: 'gone_at' },
  }),
  node('User', 'people', ['email'], {
    key: ['realm', 'id'],
    tenant: { several: { typename: 'Membership', columns: ['realm', 'member'] } },
  }),
  node('Membership', 'memberships', ['realm', 'member'], { tenant: { column: 'org' } }),
];

async function prepare(): Promise<void> {
  db = await prepareTables(DDL, NODES, async (pool) => {
    await pool.query(`INSERT INTO hookgraph.subscriptions (tenant, owner, topic_id)
      SELECT tenant, 'o', id FROM hookgraph.topics, unnest(ARRAY['acme', 'other']) tenant WHERE column_name IS NULL AND typename IN ('Booking', 'User')`);
    while ((await relayOnce(pool)).events > 0);
  });
}

async function relayAll(limit = 1000): Promise<void> {
  while ((await relayOnce(db.pool, limit)).events > 0);
}

/** Returns `tenant operation Type key` of all deliveries since the last call. */
async function told(): Promise<string[]> {
  const { rows } = await db.pool.query(
    `SELECT s.tenant, e.operation, d.typename, d.node_key, e.tenant AS stored, coalesce(e.occurred_at, hookgraph.time_of(e.id)) AS occurred_at, hookgraph.time_of(e.id) AS id_time
     FROM hookgraph.whole_deliveries d JOIN hookgraph.subscriptions s ON s.id = d.subscription_id
     JOIN hookgraph.events e ON e.id = d.event_id`,
  );
  // TRUNCATE would wait for a relay in progress.
  await db.pool.query('DELETE FROM hookgraph.deliveries');
  expect(rows.every(({ tenant, stored }) => tenant === stored)).toBe(true);
  // The time of the events must be right, because a replay finds events by tenant and time.
  expect(rows.every(({ occurred_at, id_time }) => Math.abs(occurred_at - id_time) <= 1)).toBe(true);
  return rows.map(({ tenant, operation, typename, node_key }) => `${tenant} ${operation} ${typename} ${node_key}`).sort();
}

async function heard(sql: string, limit = 1000): Promise<string[]> {
  await db.pool.query(sql);
  await relayAll(limit);
  return told();
}

const BOOKED = `BEGIN; INSERT INTO bookings VALUES (7, 'n'); INSERT INTO booking_slots VALUES (7, 1), (7, 3); COMMIT`;

describe.each([1000, 1])('%i a batch', (limit) => {
  it('tells a row that is made with its children, changed, and deleted with them', async () => {
    await prepare();
    expect(await heard(BOOKED, limit)).toEqual(['acme created Booking 7']);
    expect(await heard(`UPDATE bookings SET note = 'm'`, limit)).toEqual(['acme updated Booking 7']);
    expect(await heard('DELETE FROM bookings', limit)).toEqual(['acme deleted Booking 7']);
  });

  it('tells each tenant once where children are of several', async () => {
    await prepare();
    expect(await heard(BOOKED.replace('(7, 3)', '(7, 2)'), limit)).toEqual(['acme created Booking 7', 'other created Booking 7']);
    expect(await heard('DELETE FROM bookings', limit)).toEqual(['acme deleted Booking 7', 'other deleted Booking 7']);
  });

  it('finds the tenants of children that went with their own parents', async () => {
    await prepare();
    await heard(BOOKED.replace('(7, 3)', '(7, 2)'), limit);
    expect(await heard('BEGIN; DELETE FROM spaces; DELETE FROM bookings; COMMIT', limit)).toEqual([
      'acme deleted Booking 7',
      'other deleted Booking 7',
    ]);
  });

  it('tells each organization of a user, by a key of several columns', async () => {
    await prepare();
    expect(
      await heard(
        `BEGIN; INSERT INTO people VALUES ('r"1', 1, 'a'), ('r2', 1, 'b');
         INSERT INTO memberships VALUES ('r"1', 1, 'acme'), ('r"1', 1, 'other'), ('r"1', 1, 'other'), ('r2', 1, 'other'); COMMIT`,
        limit,
      ),
    ).toEqual(['acme created User ["r\\"1","1"]', 'other created User ["r2","1"]', 'other created User ["r\\"1","1"]'].sort());
    expect(await heard(`UPDATE people SET email = 'c' WHERE realm = 'r2'`, limit)).toEqual(['other updated User ["r2","1"]']);
    expect(await heard('DELETE FROM people', limit)).toHaveLength(3);
  });
});

it('counts no child that is deleted softly, nor one of another row or transaction', async () => {
  await prepare();
  await heard(
    `${BOOKED}; INSERT INTO bookings VALUES (8, 'n'); INSERT INTO booking_slots VALUES (8, 2); UPDATE booking_slots SET gone_at = now() WHERE slot = 1`,
  );
  expect(await heard(`BEGIN; UPDATE bookings SET note = 'm'; INSERT INTO bookings VALUES (9, 'n'); COMMIT`)).toEqual([
    'acme updated Booking 7',
    'other updated Booking 8',
  ]);
  expect(await heard(`UPDATE booking_slots SET gone_at = now()`)).toEqual([]);
  expect(await heard(`UPDATE bookings SET note = 'o'`)).toEqual([]);
});

it('tells none twice when a relay dies, and finds children that another has filed', async () => {
  await prepare();
  await heard(BOOKED.replace('(7, 3)', '(7, 2)'));
  await db.pool.query('DELETE FROM bookings');
  const dying = await db.pool.connect();
  await dying.query('BEGIN');
  // The relay that dies has taken only the booking.
  expect(await relayOnce(dying, 1)).toMatchObject({ events: 1, deliveries: 2 });
  await relayAll();
  expect(await told()).toEqual([]);
  await dying.query('ROLLBACK');
  dying.release();
  await relayAll();
  expect(await told()).toEqual(['acme deleted Booking 7', 'other deleted Booking 7']);
});

it('goes on where the children can’t be read, lists what reached nobody, and sends it when somebody says whose it is', async () => {
  await prepare();
  await heard(BOOKED);
  await db.pool.query(`ALTER TABLE booking_slots RENAME booking TO b`);
  await db.pool.query(`UPDATE bookings SET note = 'm'; INSERT INTO bookings VALUES (8, 'n'); INSERT INTO slots VALUES (9, 1)`);
  expect(await relayOnce(db.pool)).toMatchObject({ events: 3, ownerless: 2, ownerlessNodes: ['Booking 7', 'Booking 8'] });
  const page = { limit: 1, backward: false, after: null, before: null };
  const first = await listWithoutTenant(db.pool, page);
  expect(first).toMatchObject({ rows: [{ typename: 'Booking', nodeKey: '7', operation: 'updated' }], hasNextPage: true });
  const id = first.rows[0]?.id as string;
  const second = await listWithoutTenant(db.pool, { ...page, after: id });
  expect(second).toMatchObject({ rows: [{ typename: 'Booking', nodeKey: '8' }], hasNextPage: false });
  expect(await assignTenant(db.pool, [id, id, '1'], 'other')).toBe(1);
  // The event already belongs to another tenant.
  expect(await assignTenant(db.pool, [id], 'acme')).toBe(0);
  await relayAll();
  expect(await told()).toEqual(['other updated Booking 7']);
  expect((await listWithoutTenant(db.pool, { ...page, limit: 10 })).rows.map(({ nodeKey }) => nodeKey)).toEqual(['8']);
});

it('refuses children that can’t decide, all at once', async () => {
  db = await captureTables(DDL, []);
  const wrong = (tenant: AnnouncedNode['tenant'], rest: Partial<AnnouncedNode> = {}) =>
    node('Booking', 'bookings', ['id'], { tenant, ...rest });
  const others = NODES.filter(({ typename }) => typename !== 'Booking');
  const failing = prepareCapture(
    db.pool,
    [
      wrong({ children: { typename: 'Nothing', columns: ['x'] } }),
      node('Slot', 'slots', ['id'], { tenant: { several: { typename: 'Membership', columns: ['id'] } } }),
      node('BookingSlot', 'booking_slots', ['slot'], {
        key: ['booking', 'slot'],
        tenant: { parent: { column: 'slot', typename: 'Slot' } },
      }),
      ...others.filter(({ typename }) => !['Slot', 'BookingSlot'].includes(typename)),
    ],
    silent,
  );
  await expect(failing).rejects.toMatchObject({ code: 'ANNOUNCED_UNFIT' });
  await expect(failing).rejects.toThrow(
    /Nothing isn't announced[\s\S]*Membership announces no column "id"[\s\S]*BookingSlot → Slot[\s\S]*after the commit/,
  );
  await expect(
    prepareCapture(db.pool, [wrong({ children: { typename: 'BookingSlot', columns: ['slot', 'booking'] } }), ...others], silent),
  ).rejects.toThrow(/can't point to the key/);
  await expect(
    prepareCapture(
      db.pool,
      [
        wrong({ children: { typename: 'Slot', columns: ['id'] } }),
        node('Slot', 'slots', ['id'], { tenant: { children: { typename: 'Booking', columns: ['id'] } } }),
        ...others.filter(({ typename }) => !['Slot', 'BookingSlot'].includes(typename)),
      ],
      silent,
    ),
  ).rejects.toThrow(/Slot gets its own tenant only after the commit/);
});
