// Tests writes through a host's Prisma client: they are announced, and refused where a before-hook refuses.
import { buildSchema, GraphQLError, graphql } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSubscription, WriteRefused } from '../../../../src/webhooks/index.js';
import { cancel } from '../../../support/hooks.js';
import { type ForeignClient, startWorld, type World } from './world.js';

let w: World;
let gated: ForeignClient;
beforeAll(async () => {
  w = await startWorld();
  await w.prisma.organisation.createMany({ data: [{ name: 'Ours' }, { name: 'Theirs' }] });
  await w.prisma.user.create({ data: { id: 'u', email: 'u@example.com' } });
  gated = w.prisma.$extends(w.gate(WRITER));
});
afterAll(() => w.close());
afterEach(() => w.unhook());

const events = async (typename: string) =>
  (
    await w.db.pool.query(`SELECT operation, node_key AS key, context, after FROM hookgraph.recorded WHERE typename = $1 ORDER BY id`, [
      typename,
    ])
  ).rows;
const named = (name: string): Promise<{ id: bigint }[]> => w.prisma.space.findMany({ where: { name } });
const WRITER = { tenant: '1', actor: { userId: 'u' }, traceparent: '00-1-2-01' };
const cause = JSON.stringify({ actor: WRITER.actor, traceparent: WRITER.traceparent });
const QUERY =
  'query ($nodeId: ID!) { node(id: $nodeId) { id ... on Space { name parent { name } } ... on Booking { day space { name } } } }';
const body = ({ body: text }: { body: string }) => JSON.parse(text).data.node;

describe('a write without hooks', () => {
  it('is what Prisma makes of it, and its events say who wrote', async () => {
    const data = { name: 'Hall', organisation: { connect: { id: 1 } } };
    const space = await gated.space.create({ data, include: { organisation: true } });
    expect(space).toMatchObject({ name: 'Hall', organisation: { name: 'Ours' } });
    await gated.space.update({ where: { id: space.id }, data: { tags: ['big'] } });
    await gated.space.updateMany({ where: { id: space.id }, data: { scores: [1, 2] } });
    const many = await gated.space.createManyAndReturn({
      data: [
        { name: 'A', organisationId: 1 },
        { name: 'B', organisationId: 1 },
      ],
    });
    await gated.space.deleteMany({ where: { name: { in: ['A', 'B'] } } });
    await gated.space.delete({ where: { id: space.id } });
    const told = await events('Space');
    expect(told.map(({ operation }) => operation)).toEqual([
      'created',
      'updated',
      'updated',
      'created',
      'created',
      'deleted',
      'deleted',
      'deleted',
    ]);
    expect(many).toHaveLength(2);
    expect(new Set(told.map(({ context }) => context))).toEqual(new Set([cause]));
  });

  it('says so in transactions of both kinds, and in nested writes', async () => {
    const [one, count, two] = await gated.$transaction([
      gated.space.create({ data: { name: 'In a list', organisationId: 1 } }),
      gated.space.count(),
      gated.space.create({ data: { name: 'In a list too', organisationId: 1 } }),
    ]);
    expect([one.name, typeof count, two.name]).toEqual(['In a list', 'number', 'In a list too']);
    await gated.$transaction(async (tx: ForeignClient) => {
      await tx.space.create({ data: { name: 'Interactive', organisationId: 1 } });
      await tx.space.update({ where: { id: one.id }, data: { rooms: { create: { name: 'Nested', organisationId: 1 } } } });
    });
    const told = (await events('Space')).filter(({ after }) =>
      ['In a list', 'In a list too', 'Interactive', 'Nested'].includes(after?.name),
    );
    expect(told.map(({ context }) => context)).toEqual([cause, cause, cause, cause]);
  });

  it('rolls back as ever, and its errors are Prisma’s', async () => {
    await expect(gated.space.create({ data: { name: 'Orphan', organisationId: 99 } })).rejects.toMatchObject({ code: 'P2003' });
    await expect(gated.space.update({ where: { id: 9999n }, data: { name: 'x' } })).rejects.toMatchObject({ code: 'P2025' });
    const failing = [
      gated.space.create({ data: { name: 'Half', organisationId: 1 } }),
      gated.space.create({ data: { name: 'Half', organisationId: 99 } }),
    ];
    await expect(gated.$transaction(failing)).rejects.toMatchObject({ code: 'P2003' });
    expect(await named('Half')).toEqual([]);
  });
});

describe('a before-hook', () => {
  it('refuses a new row, is shown it as it would be, and sees the key that it gets', async () => {
    const no = await w.hook('space/created', cancel('No halls.'), { query: QUERY });
    const parent = (await named('In a list'))[0]?.id;
    const create = () =>
      gated.space.create({ data: { name: 'Refused', organisation: { connect: { id: 1 } }, parent: { connect: { id: parent } } } });
    await expect(create()).rejects.toThrow(WriteRefused);
    const refusals = [{ type: 'CANCELLED', message: expect.stringContaining('No halls.') }];
    await expect(create()).rejects.toMatchObject({ refusals });
    // A server masks every error that isn't a GraphQLError, which would hide the reason.
    const answer = await graphql({ schema: buildSchema('type Query { create: Int }'), source: '{ create }', rootValue: { create } });
    expect(answer.errors?.[0]?.originalError).toBeInstanceOf(GraphQLError);
    expect(answer.errors?.[0]?.extensions).toEqual({ code: 'WRITE_REFUSED', refusals });
    expect(await named('Refused')).toEqual([]);
    expect(body(no.requests[0] as never)).toMatchObject({ name: 'Refused', parent: { name: 'In a list' } });
    no.answer = (response) => void response.end();
    const space = await create();
    const { id } = body(no.requests.at(-1) as never);
    expect(w.host.fromGlobalId(id)).toEqual({ typename: 'Space', key: String(space.id) });
  });

  it('is asked about updates, deletes and soft deletes, whichever operation makes them', async () => {
    const { id } = await gated.space.create({ data: { name: 'Kept', organisationId: 1 } });
    const updated = await w.hook('space/updated', cancel('Carved in stone.'));
    const deleted = await w.hook('space/deleted', cancel('Still in use.'));
    await expect(gated.space.update({ where: { id }, data: { name: 'Other' } })).rejects.toThrow('Carved in stone.');
    await expect(gated.space.updateMany({ where: { id }, data: { price: '12345678901234.5678901234' } })).rejects.toThrow(
      'Carved in stone.',
    );
    await expect(
      gated.space.upsert({ where: { id }, create: { name: 'New', organisationId: 1 }, update: { name: 'Other' } }),
    ).rejects.toThrow('Carved in stone.');
    expect(updated.requests).toHaveLength(3);
    await expect(gated.space.update({ where: { id }, data: { deletedAt: new Date() } })).rejects.toThrow('Still in use.');
    await expect(gated.space.delete({ where: { id } })).rejects.toThrow('Still in use.');
    await expect(gated.space.deleteMany({ where: { id } })).rejects.toThrow('Still in use.');
    expect(deleted.requests).toHaveLength(3);
    expect(await named('Kept')).toMatchObject([{ id, deletedAt: null }]);
  });

  it('is asked about nested writes and cascades, of each row', async () => {
    const bookings = await w.hook('booking/created', undefined, { query: QUERY });
    const space = await gated.space.create({
      data: {
        name: 'With bookings',
        organisationId: 1,
        bookings: { create: [{ day: new Date('2026-05-01') }, { day: new Date('2026-05-02') }] },
      },
      include: { bookings: true },
    });
    expect(
      bookings.requests
        .map(body)
        .map(({ day }) => day)
        .sort(),
    ).toEqual(['2026-05-01', '2026-05-02']);
    expect(space.bookings).toHaveLength(2);
    const gone = await w.hook('booking/deleted', cancel('It is paid.'));
    await expect(gated.space.delete({ where: { id: space.id } })).rejects.toThrow('It is paid.');
    expect(gone.requests).toHaveLength(2);
    expect(await w.prisma.booking.count({ where: { spaceId: space.id } })).toBe(2);
  });

  it('is asked about many new rows at once, which get the keys that it saw', async () => {
    const hook = await w.hook('space/created', undefined, { query: QUERY });
    const rows = await gated.space.createManyAndReturn({ data: ['M1', 'M2', 'M3'].map((name) => ({ name, organisationId: 1 })) });
    const seen = hook.requests.map(body).map(({ id, name }) => [w.host.fromGlobalId(id)?.key, name]);
    expect(seen.sort()).toEqual(rows.map(({ id, name }: { id: bigint; name: string }) => [String(id), name]).sort());
    expect(await gated.space.createMany({ data: [{ name: 'M4', organisationId: 1 }] })).toEqual({ count: 1 });
  });

  it('refuses a whole list of writes, and lets it through as it is', async () => {
    const hook = await w.hook('space/created', cancel('None today.'), { query: QUERY });
    const list = () => [
      gated.space.create({ data: { name: 'L1', organisationId: 1 } }),
      gated.$executeRaw`UPDATE shop.spaces SET tags = '{raw}' WHERE name = 'L1'`,
      gated.space.findMany({ where: { name: 'L1' } }),
      gated.space.create({ data: { name: 'L2', organisationId: 1 } }),
    ];
    await expect(gated.$transaction(list())).rejects.toThrow('None today.');
    expect(hook.requests).toHaveLength(2);
    expect(await named('L1')).toEqual([]);
    hook.answer = (response) => void response.end();
    const [one, touched, found, two] = await gated.$transaction(list());
    expect([one.name, touched, found, two.name]).toMatchObject(['L1', 1, [{ id: one.id, tags: ['raw'] }], 'L2']);
    expect(await named('L2')).toHaveLength(1);
  });

  it('never lets an operation of another client out of a list that is rehearsed', async () => {
    await w.hook('space/created', cancel('None today.'));
    const list = [
      gated.space.create({ data: { name: 'Own', organisationId: 1 } }),
      w.prisma.space.create({ data: { name: 'Stray', organisationId: 1 } }),
    ];
    await expect(gated.$transaction(list)).rejects.toThrow('only operations of the same client');
    expect([await named('Own'), await named('Stray')]).toEqual([[], []]);
  });

  it('is asked about an interactive transaction that may be repeated, and about none that may not', async () => {
    const hook = await w.hook('space/created', cancel('Not now.'), { query: QUERY });
    const work = (name: string) => async (tx: ForeignClient) => {
      const { id } = await tx.space.create({ data: { name, organisationId: 1 } });
      return tx.space.update({ where: { id }, data: { tags: ['twice'] } });
    };
    await expect(gated.$gatedTransaction(work('Repeated'))).rejects.toThrow('Not now.');
    expect(await named('Repeated')).toEqual([]);
    hook.answer = (response) => void response.end();
    const row = await gated.$gatedTransaction(work('Repeated'));
    expect(row.tags).toEqual(['twice']);
    expect(w.host.fromGlobalId(body(hook.requests.at(-1) as never).id)?.key).toBe(String(row.id));
    const asked = hook.requests.length;
    await gated.$transaction(work('Not repeated'));
    expect(hook.requests).toHaveLength(asked);
  });

  it('of another tenant is asked nothing, and without a writer nobody is', async () => {
    const theirs = await w.hook('space/created', cancel('Never.'), { name: '2' });
    await gated.space.create({ data: { name: 'Ours alone', organisationId: 1 } });
    const nobody = w.prisma.$extends(w.gate(null)) as ForeignClient;
    await nobody.space.create({ data: { name: 'Nobody’s', organisationId: 2 } });
    await nobody.$gatedTransaction((tx: ForeignClient) => tx.space.create({ data: { name: 'Nobody’s too', organisationId: 2 } }));
    expect(theirs.requests).toEqual([]);
  });

  it('is asked once more where the row changed meanwhile, and sees what other extensions made of the arguments', async () => {
    const { id } = await gated.space.create({ data: { name: 'Moving', organisationId: 1 } });
    let times = 0;
    const hook = await w.hook(
      'space/updated',
      (response) => {
        times += 1;
        if (times > 1) return void response.end();
        void w.db.pool.query(`UPDATE shop.spaces SET scores = '{1}' WHERE id = $1`, [id]).then(() => response.end());
      },
      { query: QUERY },
    );
    let called = 0;
    const loud = w.prisma
      .$extends({
        query: {
          space: {
            update({ args, query }: ForeignClient) {
              called += 1;
              return query({ ...args, data: { ...args.data, name: args.data.name.toUpperCase() } });
            },
          },
        },
      })
      .$extends(w.gate({ tenant: '1' })) as ForeignClient;
    expect(await loud.space.update({ where: { id }, data: { name: 'moved' } })).toMatchObject({ name: 'MOVED', scores: [1] });
    expect(hook.requests.map(body).map(({ name }) => name)).toEqual(['MOVED', 'MOVED']);
    expect(called).toBe(1);
  });

  it('can’t be asked about more rows than a write should wait for', async () => {
    const hook = await w.hook('space/created');
    const data = Array.from({ length: 101 }, (_, n) => ({ name: `Bulk ${n}`, organisationId: 1 }));
    await expect(gated.space.createMany({ data })).rejects.toThrow('more than 100 rows');
    expect(hook.requests).toEqual([]);
    await gated.space.createMany({ data: data.map((row) => ({ ...row, organisationId: 2 })) });
  });

  it('is refused when it is saved for a type whose writes pass no gate', async () => {
    expect([...w.gate.gatedTypes].sort()).toContain('Space');
    w.host.gatedTypes = new Set(['Booking']);
    try {
      const save = (key: string) =>
        createSubscription(
          w.webhooks.engine,
          { tenant: '1', userId: 'u', canManageWebhooks: true },
          { topic: { key }, callbackUrl: 'http://127.0.0.1:9999', phase: 'BEFORE' },
        );
      expect((await save('space/created')).problems).toMatchObject([
        { field: 'phase', message: expect.stringContaining('calls no before-hooks for writes of Space') },
      ]);
      expect((await save('booking/created')).problems).toEqual([]);
    } finally {
      delete w.host.gatedTypes;
    }
  });
});

describe('a writer whose role has no right to our schema', () => {
  it('writes as ever, and its events say who wrote', async () => {
    const role = `writer_${process.pid}`;
    await w.db.pool.query(`CREATE ROLE ${role}; GRANT USAGE ON SCHEMA shop, staff TO ${role};
      GRANT ALL ON ALL TABLES IN SCHEMA shop, staff TO ${role}; GRANT ALL ON ALL SEQUENCES IN SCHEMA shop, staff TO ${role}`);
    const plain = w.open(`${w.db.url}?options=${encodeURIComponent(`-c role=${role}`)}`);
    try {
      const limited = plain.$extends(w.gate(WRITER)) as ForeignClient;
      await expect(limited.$queryRaw`SELECT 1 AS one FROM hookgraph.topics`).rejects.toThrow('permission denied');
      await limited.space.create({ data: { name: 'By a role', organisationId: 1 } });
      const [event] = (await events('Space')).filter(({ after }) => after?.name === 'By a role');
      expect(event?.context).toBe(cause);
    } finally {
      await plain.$disconnect();
      await w.db.pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});
