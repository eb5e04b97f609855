// The shop's own GraphQL API: no Relay, and every root field finds only objects of the signed-in person's organisation.
import { builder, organisationOf } from './builder.js';
import { InvoiceStatus, Role } from './generated/client.js';

builder.enumType(Role, { name: 'Role' });
builder.enumType(InvoiceStatus, { name: 'InvoiceStatus' });

builder.prismaObject('Organisation', {
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.exposeString('name'),
    spaces: t.relation('spaces', { query: { where: { deletedAt: null } } }),
  }),
});
builder.prismaObject('User', {
  fields: (t) => ({
    id: t.exposeInt('id'),
    email: t.exposeString('email'),
    group: t.exposeString('group', { nullable: true }),
  }),
});
builder.prismaObject('Membership', {
  fields: (t) => ({ role: t.expose('role', { type: Role }), user: t.relation('user'), organisation: t.relation('organisation') }),
});
builder.prismaObject('Space', {
  fields: (t) => ({
    id: t.exposeInt('id'),
    name: t.exposeString('name'),
    position: t.exposeInt('position'),
    hourlyRate: t.expose('hourlyRate', { type: 'Decimal' }),
    equipment: t.expose('equipment', { type: 'JSON' }),
    deletedAt: t.expose('deletedAt', { type: 'DateTime', nullable: true }),
    slots: t.relation('slots'),
  }),
});
builder.prismaObject('Slot', {
  fields: (t) => ({
    id: t.expose('id', { type: 'BigInt' }),
    startsAt: t.expose('startsAt', { type: 'DateTime' }),
    space: t.relation('space'),
  }),
});
builder.prismaObject('Booking', {
  fields: (t) => ({ id: t.exposeInt('id'), guest: t.exposeString('guest'), slots: t.relation('bookingSlots') }),
});
builder.prismaObject('BookingSlot', {
  fields: (t) => ({ persons: t.exposeInt('persons'), booking: t.relation('booking'), slot: t.relation('slot') }),
});
builder.prismaObject('Invoice', {
  fields: (t) => ({
    id: t.exposeInt('id'),
    status: t.expose('status', { type: InvoiceStatus }),
    cents: t.expose('cents', { type: 'BigInt' }),
  }),
});
builder.prismaObject('Coupon', { fields: (t) => ({ id: t.exposeInt('id'), percent: t.exposeInt('percent') }) });

builder.queryType({
  fields: (t) => ({
    organisation: t.prismaField({
      type: 'Organisation',
      resolve: (query, _root, _args, context) =>
        context.prisma.organisation.findUniqueOrThrow({ ...query, where: { id: organisationOf(context) } }),
    }),
    user: t.prismaField({
      type: 'User',
      nullable: true,
      args: { id: t.arg.int({ required: true }) },
      resolve: (query, _root, { id }, context) =>
        context.prisma.user.findFirst({ ...query, where: { id, memberships: { some: { organisationId: organisationOf(context) } } } }),
    }),
    membership: t.prismaField({
      type: 'Membership',
      nullable: true,
      args: { userId: t.arg.int({ required: true }) },
      resolve: (query, _root, { userId }, context) =>
        context.prisma.membership.findFirst({ ...query, where: { userId, organisationId: organisationOf(context) } }),
    }),
    space: t.prismaField({
      type: 'Space',
      nullable: true,
      args: { id: t.arg.int({ required: true }) },
      resolve: (query, _root, { id }, context) =>
        context.prisma.space.findFirst({ ...query, where: { id, deletedAt: null, organisationId: organisationOf(context) } }),
    }),
    slot: t.prismaField({
      type: 'Slot',
      nullable: true,
      args: { id: t.arg({ type: 'BigInt', required: true }) },
      resolve: (query, _root, { id }, context) =>
        context.prisma.slot.findFirst({ ...query, where: { id, space: { organisationId: organisationOf(context) } } }),
    }),
    booking: t.prismaField({
      type: 'Booking',
      nullable: true,
      args: { id: t.arg.int({ required: true }) },
      resolve: (query, _root, { id }, context) =>
        context.prisma.booking.findFirst({
          ...query,
          where: { id, bookingSlots: { some: { slot: { space: { organisationId: organisationOf(context) } } } } },
        }),
    }),
    bookingSlot: t.prismaField({
      type: 'BookingSlot',
      nullable: true,
      args: { bookingId: t.arg.int({ required: true }), slotId: t.arg({ type: 'BigInt', required: true }) },
      resolve: (query, _root, key, context) =>
        context.prisma.bookingSlot.findFirst({ ...query, where: { ...key, slot: { space: { organisationId: organisationOf(context) } } } }),
    }),
    invoice: t.prismaField({
      type: 'Invoice',
      nullable: true,
      args: { id: t.arg.int({ required: true }) },
      resolve: (query, _root, { id }, context) =>
        context.prisma.invoice.findFirst({ ...query, where: { id, organisationId: organisationOf(context) } }),
    }),
    coupon: t.prismaField({
      type: 'Coupon',
      nullable: true,
      args: { id: t.arg.int({ required: true }) },
      resolve: (query, _root, { id }, context) =>
        context.prisma.coupon.findFirst({ ...query, where: { id, organisationId: organisationOf(context) } }),
    }),
  }),
});

builder.mutationType({
  fields: (t) => ({
    addSpace: t.prismaField({
      type: 'Space',
      args: {
        name: t.arg.string({ required: true }),
        hourlyRate: t.arg({ type: 'Decimal', required: true }),
        equipment: t.arg({ type: 'JSON' }),
      },
      resolve: (query, _root, { name, hourlyRate, equipment }, context) =>
        context.prisma.space.create({
          ...query,
          data: { name, hourlyRate, equipment: equipment ?? {}, organisationId: organisationOf(context) },
        }),
    }),
    renameSpace: t.prismaField({
      type: 'Space',
      args: { id: t.arg.int({ required: true }), name: t.arg.string({ required: true }) },
      resolve: (query, _root, { id, name }, context) =>
        context.prisma.space.update({ ...query, where: { id, organisationId: organisationOf(context) }, data: { name } }),
    }),
    removeSpace: t.prismaField({
      type: 'Space',
      args: { id: t.arg.int({ required: true }) },
      resolve: (query, _root, { id }, context) =>
        context.prisma.space.update({
          ...query,
          where: { id, organisationId: organisationOf(context) },
          data: { deletedAt: new Date() },
        }),
    }),
    book: t.prismaField({
      type: 'Booking',
      args: { guest: t.arg.string({ required: true }), slotIds: t.arg({ type: ['BigInt'], required: true }) },
      resolve: async (query, _root, { guest, slotIds }, context) => {
        const where = { id: { in: slotIds }, space: { organisationId: organisationOf(context) } };
        const slots = await context.prisma.slot.findMany({ where });
        const bookingSlots = { create: slots.map(({ id }) => ({ slotId: id })) };
        return context.prisma.booking.create({ ...query, data: { guest, bookingSlots } });
      },
    }),
    payInvoice: t.prismaField({
      type: 'Invoice',
      args: { id: t.arg.int({ required: true }) },
      resolve: (query, _root, { id }, context) =>
        context.prisma.invoice.update({ ...query, where: { id, organisationId: organisationOf(context) }, data: { status: 'PAID' } }),
    }),
  }),
});

export const ownSchema = builder.toSchema();
