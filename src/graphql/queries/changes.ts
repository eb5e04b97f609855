// Adds the root field `webhookChanges`: the committed changes of nodes from a cursor on, in an order that skips none.
import { GraphQLError } from 'graphql';
import {
  type ChangePage,
  type ChangesHeld,
  changesHeld,
  describeHeld,
  readChanges,
  toCursor,
  WebhooksError,
} from '../../webhooks/index.js';
import { type AccessOf, pageOf } from '../access.js';
import type { Builder } from '../builder.js';
import { PageInfo } from '../connection.js';
import type { Operators } from '../operators.js';
import type { WebhookTypes } from '../types/index.js';

/** The additional field of a page of changes. `held` reads, only once, the reason why later changes are held back. */
interface Held {
  held(): Promise<ChangesHeld | null>;
}

export function addChanges(builder: Builder, access: AccessOf, { event }: WebhookTypes, operators: Operators | undefined): void {
  const connection = builder.connectionObject(
    {
      name: 'WebhookChangeConnection',
      description:
        'A list of committed changes, in the order of their transactions. A page may be empty although a next page follows: continue with its `endCursor`, which is never null.',
      type: event.ref,
      fields: (t) => ({
        lagSeconds: t.float({
          description:
            'The age of the oldest transaction that is not readable yet, in seconds: 0 when nothing holds changes back, `null` when it is unknown.',
          resolve: async (page) => {
            const held = await (page as unknown as Held).held();
            return held ? held.seconds : 0;
          },
        }),
        heldBackBy: t.string({
          description:
            'The reason why later changes are held back, in a sentence: an open or prepared transaction, or changes that wait for a worker. `null` when nothing holds them back. An operator also reads which session or prepared transaction it is.',
          resolve: async (page, _args, ctx) => {
            const held = await (page as unknown as Held).held();
            return held && describeHeld(held, operators?.isOperator(ctx) ?? false);
          },
        }),
      }),
    },
    event.edge,
  );
  builder.queryField('webhookChanges', (t) =>
    t.connection(
      {
        type: event.ref,
        nullable: false,
        description:
          'List the committed changes of nodes in your organization after a cursor, including deletions, in the order of their transactions. No change is skipped, however late its transaction commits. Without `after`, the list is empty, and its `endCursor` is the present moment: take it before you read all nodes, and continue from it. If a node changed twice, the change with the greater `databaseId` is the later one. The error `CURSOR_EXPIRED` says that changes after the cursor were deleted, so that you must read all nodes again.',
        args: { types: t.arg.stringList({ description: 'Only changes of nodes of these types, e.g. `["User"]`. Default: all types.' }) },
        resolve: async (_root, { types, ...args }, ctx) => {
          const { reading, actor } = access(ctx);
          if (args.last != null || args.before != null)
            throw new GraphQLError('Changes are read forwards: give "first" and "after".', { extensions: { code: 'PAGE_INVALID' } });
          const unknown = types?.find((typename) => !reading.host.nodes.some((node) => node.typename === typename));
          if (unknown !== undefined)
            throw new GraphQLError(`The argument "types" names ${JSON.stringify(unknown)}, of which no changes are recorded.`, {
              extensions: { code: 'TYPE_UNKNOWN' },
            });
          const { limit, after } = pageOf(args);
          const page = await orRefused(readChanges(reading.pool, { tenant: actor.tenant, after, typenames: types ?? null, limit }));
          let held: Promise<ChangesHeld | null> | undefined;
          return { ...toPage(page, args.after != null), held: () => (held ??= changesHeld(reading.pool, page.frontier)) };
        },
      },
      connection,
      event.edge,
    ),
  );
}

function toPage({ rows, cursor, hasNextPage }: ChangePage, hasPreviousPage: boolean) {
  const edges = rows.map(({ cursor, ...node }) => ({ cursor: toCursor(cursor), node }));
  return { edges, pageInfo: new PageInfo(hasNextPage, hasPreviousPage, edges[0]?.cursor ?? null, toCursor(cursor)) };
}

async function orRefused(reading: Promise<ChangePage>): Promise<ChangePage> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof WebhooksError)) throw error;
    throw new GraphQLError([error.message, error.hint].filter(Boolean).join(' '), { extensions: { code: error.code } });
  }
}
