// Adds the root field `viewer`, which returns the signed-in user.
import type { Builder } from './schema-types.js';

export function addViewer(builder: Builder): void {
  builder.queryField('viewer', (t) =>
    t.prismaField({
      type: 'User',
      nullable: true,
      description: 'The user of the API token that sends this request.',
      resolve: (query, _root, _args, ctx) =>
        ctx.viewer ? ctx.prisma.user.findUnique({ ...query, where: { id: ctx.viewer.userId } }) : null,
    }),
  );
}
