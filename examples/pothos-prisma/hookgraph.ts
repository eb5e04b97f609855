// Contains all the code that the booking shop needs for Hookgraph.
import { createHookgraph } from 'hookgraph';
import { fromPrisma, gatePrisma } from 'hookgraph/prisma';
import type { Context } from './builder.js';
import { Prisma, PrismaClient } from './generated/client.js';
import { models } from './generated/hookgraph-models.js';
import { ownSchema } from './schema.js';

export const hooks = createHookgraph({
  database: process.env.DATABASE_URL ?? '',
  keys: process.env.HOOKGRAPH_ENCRYPTION_KEYS ?? '',
  schema: ownSchema,
  source: fromPrisma({ models, Prisma, client: (adapter) => new PrismaClient({ adapter }) }),
  tables: {
    defaults: { tenant: 'organisationId', softDelete: 'deletedAt' },
    Organisation: { tenant: 'id' },
    Membership: { omit: ['apiKey'] },
    // A change causes an event for each organisation of which the user is a member.
    User: { tenants: { of: 'memberships' }, omit: ['passwordHash'] },
    Space: {},
    Slot: { tenant: { of: 'space' } },
    BookingSlot: { tenant: { of: 'slot' } },
    // A booking belongs to the organisation of its slots.
    Booking: { tenant: { of: 'bookingSlots' } },
    Invoice: { when: { 'invoice/paid': { status: 'PAID' } } },
    Coupon: { omit: ['code'] },
  },
  find: {
    Organisation: 'organisation',
    Membership: 'membership(userId: $userId)',
    User: 'user(id: $id)',
    Space: 'space(id: $id)',
    Slot: 'slot(id: $id)',
    BookingSlot: 'bookingSlot(bookingId: $bookingId, slotId: $slotId)',
    Booking: 'booking(id: $id)',
    Invoice: 'invoice(id: $id)',
    Coupon: 'coupon(id: $id)',
  },
  // Signs in the owner of a stored query. A person who has left the organisation receives nothing any more.
  signIn: async ({ tenant, userId }, { prisma }) => {
    const key = { organisationId: tenant, userId: Number(userId) };
    const member = await prisma.membership.findUnique({ where: { organisationId_userId: key } });
    return member && (({ prisma }): Context => ({ prisma, member }));
  },
  actor: ({ member }: Context) =>
    member && { tenant: member.organisationId, userId: String(member.userId), canManageWebhooks: member.role === 'OWNER' },
  // Before-hooks may concern these types, because only the shop's API writes them.
  gatedTypes: ['Space', 'Invoice'],
  settings: { headerPrefix: 'X-Shop-', allowedNetworks: process.env.ALLOWED_NETWORKS?.split(',') ?? [] },
});

/** Extends the client of a request, so that events record who wrote and before-hooks may refuse writes. */
export const gate = gatePrisma({
  webhooks: hooks.webhooks,
  models,
  Prisma,
  writer: (member: Context['member']) => member && { tenant: member.organisationId, actor: { userId: member.userId } },
});
