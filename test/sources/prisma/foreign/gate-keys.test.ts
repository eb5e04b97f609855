// Tests a gated write of a row whose key only the database can generate.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ForeignClient, startWorld, type World } from './world.js';

let w: World;
let gated: ForeignClient;
beforeAll(async () => {
  w = await startWorld();
  await w.prisma.organisation.createMany({ data: [{ name: 'Ours' }] });
  await w.prisma.user.create({ data: { id: 'u', email: 'u@example.com' } });
  gated = w.prisma.$extends(w.gate({ tenant: '1', actor: { userId: 'u' }, traceparent: '00-1-2-01' }));
});
afterAll(() => w.close());

describe('a key that the database alone may make', () => {
  it('is another one than the hook saw, and the write goes on', async () => {
    await w.db.pool.query(`
      ALTER TABLE shop."Note" ALTER id DROP DEFAULT;
      ALTER TABLE shop."Note" ALTER id ADD GENERATED ALWAYS AS IDENTITY (START 1000)`);
    const { id: spaceId } = await gated.space.create({ data: { name: 'Noted', organisationId: 1 } });
    const day = new Date('2026-06-01');
    await gated.booking.create({ data: { spaceId, day } });
    const hook = await w.hook('note/created');
    expect(await gated.note.create({ data: { spaceId, day, text: 'Hello' } })).toMatchObject({ text: 'Hello' });
    expect(hook.requests).toHaveLength(1);
  });
});
