// Tests what stored queries read through a host's Prisma client: by any key, live or from a snapshot, within limits.
import { GraphQLError, graphql } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ForeignClient, startWorld, type World } from './world.js';

let w: World;
let organisationId: number;
let ids: Record<'house' | 'hall' | 'closet', bigint>;
const DAY = new Date('2026-05-01');
beforeAll(async () => {
  w = await startWorld();
  const { prisma } = w;
  organisationId = (await prisma.organisation.create({ data: { name: 'Ours' } })).id;
  await prisma.user.create({
    data: { id: 'u', email: 'u@example.com', group: 'g', memberships: { create: { organisationId, role: 'OWNER' } } },
  });
  const house = await prisma.space.create({ data: { name: 'House', organisationId } });
  const hall = await prisma.space.create({
    data: {
      name: 'Hall',
      organisationId,
      parentId: house.id,
      price: '1234.5678901234',
      plan: Buffer.from([0, 1, 255]),
      tags: ['a,b', '"'],
      scores: [3, 1],
      mood: 'QUIET',
      moods: ['LOUD', 'QUIET'],
      settings: { deep: [1, null] },
      opens: new Date('1970-01-01T08:30:00Z'),
      since: new Date('2020-02-29'),
      labels: { create: [{ id: 'short' }, { id: 'exactly8' }] },
      address: { create: { street: 'Main' } },
      bookings: { create: [{ day: DAY, userId: 'u', fee: '10.50', notes: { create: { text: 'Late' } } }, { day: new Date('2026-05-02') }] },
    },
  });
  const closet = await prisma.space.create({ data: { name: 'Closet', organisationId, parentId: hall.id } });
  ids = { house: house.id, hall: hall.id, closet: closet.id };
});
afterAll(() => w.close());

const reader = (): ForeignClient => w.readerFor('1');
/** Returns a reader for an execution that has the snapshot of the type's last deleted row. */
const afterwards = async (typename: string): Promise<ForeignClient> => w.readerFor('1', [await w.lastDeleted(typename)]);

describe('the source', () => {
  it('says of each model its table, key, columns, enums and relations', () => {
    const model = (name: string) => w.source.models.find(({ typename }) => typename === name);
    expect(model('User')).toMatchObject({
      table: { schema: 'staff', name: 'user' },
      key: ['id'],
      columns: { order: 'group', from: 'from', created_at: 'createdAt' },
    });
    expect(model('Membership')).toMatchObject({
      key: ['organisation_id', 'user_id'],
      enums: { role: { OWNER: 'the owner', MEMBER: 'member' } },
    });
    expect(model('Note')?.relations).toEqual([
      {
        field: 'booking',
        typename: 'Booking',
        columns: ['spaceId', 'day'],
        foreignColumns: ['space_id', 'day'],
        holdsKey: true,
        isList: false,
      },
    ]);
    const relations = Object.fromEntries(model('Space')?.relations.map((relation) => [relation.field, relation]) ?? []);
    expect(relations.parent).toMatchObject({ typename: 'Space', columns: ['parent_id'], foreignColumns: ['id'], holdsKey: true });
    expect(relations.rooms).toMatchObject({
      typename: 'Space',
      columns: ['id'],
      foreignColumns: ['parent_id'],
      holdsKey: false,
      isList: true,
    });
    expect(relations.labels).toMatchObject({ typename: 'Label', columns: [], foreignColumns: [], holdsKey: false, isList: true });
    expect(relations.address).toMatchObject({ columns: ['id'], foreignColumns: ['space_id'], holdsKey: false, isList: false });
  });

  it('can’t be read with the models of another version', async () => {
    const { fromPrisma } = await import('../../../../src/sources/prisma/index.js');
    const options = { models: { format: 99, datamodel: {} }, Prisma: w.Prisma, client: () => w.prisma };
    expect(() => fromPrisma(options)).toThrow('Run `prisma generate`');
  });
});

describe('a row that is there', () => {
  it('is what Prisma reads, whatever its key and columns are', async () => {
    const finds: [string, object][] = [
      ['organisation', { where: { id: organisationId } }],
      ['user', { where: { id: 'u' }, include: { memberships: true } }],
      ['user', { where: { email: 'u@example.com' } }],
      ['membership', { where: { organisationId_userId: { organisationId, userId: 'u' } }, include: { user: true, organisation: true } }],
      [
        'space',
        {
          where: { id: ids.hall },
          include: { parent: true, rooms: true, labels: true, address: true, bookings: { include: { notes: true } } },
        },
      ],
      ['space', { where: { byName: { organisationId, name: 'Hall' } }, omit: { plan: true } }],
      ['booking', { where: { spaceId_day: { spaceId: ids.hall, day: DAY } }, select: { fee: true, user: true } }],
      ['label', { where: { id: 'short' }, include: { _count: true } }],
      ['address', { where: { spaceId: ids.hall }, include: { space: true } }],
      ['note', { where: { id: 1 }, include: { booking: { include: { space: true } } } }],
    ];
    for (const [model, args] of finds) {
      const theirs = await w.prisma[model].findUnique(args);
      expect(theirs).not.toBeNull();
      expect(await reader()[model].findUnique(args)).toEqual(theirs);
      expect(
        await reader()[model].findFirst(
          args.constructor === Object && 'where' in args ? { ...args, where: flat(args.where as object) } : args,
        ),
      ).toEqual(theirs);
    }
  });

  it('can’t be written, and ends what takes too long', async () => {
    await expect(reader().label.create({ data: { id: 'x' } })).rejects.toThrow('read-only transaction');
    await expect(reader().$queryRaw`SELECT pg_sleep(300)::text`).rejects.toThrow('cancelled the query after 2000 ms');
  });
});

/** Rewrites a `where` for findFirst, which doesn't accept names of compound keys. */
function flat(where: object): object {
  return Object.assign(
    {},
    ...Object.entries(where).map(([name, value]) => (value?.constructor === Object && !('in' in value) ? value : { [name]: value })),
  );
}

describe('a row that is gone', () => {
  it('is what it was, in all its types, with relations in both directions to what is still there', async () => {
    const { prisma } = w;
    const include = { organisation: true, parent: true, rooms: true, bookings: true, labels: true, address: true, _count: true };
    const before = await prisma.space.findUnique({ where: { id: ids.hall }, include });
    await prisma.space.delete({ where: { id: ids.hall } });
    const client = await afterwards('Space');
    const gone = { rooms: [], bookings: [], labels: [], address: null, _count: { rooms: 0, bookings: 0, labels: 0 } };
    expect(await client.space.findUnique({ where: { id: ids.hall }, include })).toEqual({ ...before, ...gone });
    expect(
      await client.space.findUniqueOrThrow({ where: { byName: { organisationId, name: 'Hall' } }, select: { name: true, price: true } }),
    ).toEqual({
      name: 'Hall',
      price: before.price,
    });
    expect(await client.space.findUnique({ where: { id: ids.hall }, omit: { plan: true } })).not.toHaveProperty('plan');
    expect(await reader().space.findUnique({ where: { id: ids.hall } })).toBeNull();
  });

  it('is found by a key of several columns, by findFirst with rights in its where, and by loaders of many', async () => {
    const { prisma } = w;
    const spaceId = ids.house;
    await prisma.booking.createMany({
      data: [
        { spaceId, day: DAY, userId: 'u', fee: '7.10' },
        { spaceId, day: new Date('2026-05-02') },
      ],
    });
    await prisma.booking.delete({ where: { spaceId_day: { spaceId, day: DAY } } });
    const { booking } = await afterwards('Booking');
    const row = { spaceId, day: DAY, userId: 'u', fee: new w.Prisma.Decimal('7.1') };
    const key = { spaceId, day: DAY };
    expect(await booking.findUnique({ where: { spaceId_day: key } })).toEqual(row);
    expect(
      await booking.findUnique({ where: { spaceId_day: key }, include: { space: true, user: { select: { email: true } } } }),
    ).toMatchObject({
      space: { name: 'House' },
      user: { email: 'u@example.com' },
    });
    const own = { space: { organisationId } };
    expect(await booking.findFirst({ where: { ...key, ...own } })).toEqual(row);
    expect(
      await booking.findFirstOrThrow({
        where: { AND: [key, { OR: [{ userId: 'x' }, { userId: { in: ['u'] } }] }, { NOT: { fee: '7' } }] },
      }),
    ).toEqual(row);
    for (const not of [{ space: { organisationId: 99 } }, { userId: 'x' }, { fee: { not: '7.10' } }, { user: null }, { OR: [] }])
      expect(await booking.findFirst({ where: { ...key, ...not } })).toBeNull();
    const many = await booking.findMany({ where: { spaceId: { in: [spaceId] }, day: { in: [DAY, new Date('2026-05-02')] } } });
    expect(many.map(({ day }: { day: Date }) => day.getUTCDate()).sort()).toEqual([1, 2]);
    // The row of a snapshot is found only by its key.
    expect(await booking.findMany({ where: { spaceId } })).toHaveLength(1);
    expect(await booking.findFirst({ where: { userId: 'u' } })).toBeNull();
  });

  it('of a table between two, or pointing to a key of two columns, leads to both sides', async () => {
    const { prisma } = w;
    const { id } = await prisma.note.create({ data: { spaceId: ids.house, day: new Date('2026-05-02'), text: 'Gone' } });
    await prisma.note.delete({ where: { id } });
    expect(
      await (await afterwards('Note')).note.findUnique({ where: { id }, include: { booking: { include: { space: true } } } }),
    ).toMatchObject({
      text: 'Gone',
      booking: { space: { name: 'House' } },
    });
    await prisma.membership.delete({ where: { organisationId_userId: { organisationId, userId: 'u' } } });
    expect(
      await (await afterwards('Membership')).membership.findUnique({
        where: { organisationId_userId: { organisationId, userId: 'u' } },
        include: { user: true, organisation: true },
      }),
    ).toMatchObject({ role: 'OWNER', user: { group: 'g' }, organisation: { name: 'Ours' } });
  });

  it('of a soft delete is answered to a query that leaves out what is deleted', async () => {
    await w.prisma.space.update({ where: { id: ids.closet }, data: { deletedAt: new Date() } });
    const snapshot = await w.lastDeleted('Space');
    const ask = async (snapshots: object[]) =>
      graphql({
        schema: w.host.schema(),
        source: 'query ($id: ID!) { node(id: $id) { ... on Space { name parent { name } rooms { name } } } }',
        variableValues: { id: w.host.toGlobalId('Space', String(ids.closet)) },
        contextValue: (await w.host.contextFor({ tenant: '1', userId: 'u' }))?.(snapshots as never),
        fieldResolver: (row, _args, { prisma }: ForeignClient, { fieldName }) =>
          fieldName === 'rooms' ? prisma.space.findMany({ where: { parentId: row.id } }) : row[fieldName],
      });
    expect((await ask([])).data?.node).toBeNull();
    expect((await ask([snapshot])).data?.node).toEqual({ name: 'Closet', parent: null, rooms: [] });
  });
});

describe('what else the source does', () => {
  it('leaves to Prisma what an extended client has to do', async () => {
    const { fromPrisma } = await import('../../../../src/sources/prisma/index.js');
    const { Prisma, models } = w;
    const source = fromPrisma<ForeignClient>({
      models,
      Prisma,
      client: () =>
        w.prisma.$extends({
          result: { organisation: { shout: { needs: { name: true }, compute: ({ name }: { name: string }) => `${name}!` } } },
        }),
    });
    const opened = source.open({
      connection: { connectionString: w.db.url },
      log: { warn() {} } as never,
      connections: 2,
      queryTimeoutMs: 1000,
    });
    try {
      const found = await opened.plain.prisma.organisation.findUnique({ where: { id: organisationId } });
      expect(found.shout).toBe('Ours!');
    } finally {
      await opened.pool.end();
    }
  });

  it('tells a database in trouble from a mistake', async () => {
    const fault = (originalError: Error) => w.opened.faultOf(new GraphQLError('x', { originalError }));
    const missing = await reader()
      .space.findUniqueOrThrow({ where: { id: 0n } })
      .catch((error: Error) => error);
    expect(fault(missing)).toBeNull();
    expect(fault(Object.assign(new Error('gone'), { code: '57P01' }))).toBe('ours');
    expect(fault(Object.assign(new Error('full'), { name: 'PrismaClientKnownRequestError', code: 'P2024' }))).toBe('ours');
  });

  it('reads with the rights of a role, where one is named', async () => {
    const role = `reader_${process.pid}`;
    await w.db.pool.query(`CREATE ROLE ${role}`);
    const limited = await startWorld({ role });
    try {
      const { prisma } = limited.opened.plain as ForeignClient;
      expect(await prisma.space.findMany()).toEqual([]);
      await expect(prisma.organisation.findMany()).rejects.toThrow('permission denied');
    } finally {
      await limited.close();
      await w.db.pool.query(`DROP ROLE ${role}`);
    }
  });
});
