// Defines the helpdesk's own GraphQL API: SDL and resolvers over Kysely. Two lines were added for Hookgraph: `recall`.
import { createSchema } from 'graphql-yoga';
import { recall } from 'hookgraph';
import type { Kysely } from 'kysely';

export interface Tables {
  agents: { id: number; workspace_id: string; name: string; token: string; is_admin: boolean };
  tickets: { id: number; workspace_id: string; subject: string; status: string; internal_note: string | null };
  comments: { ticket_id: number; number: number; body: string };
}

export interface Context {
  db: Kysely<Tables>;
  agent: { id: number; workspace_id: string; is_admin: boolean } | null;
}

type Ticket = Tables['tickets'];

const ticketsOf = ({ db, agent }: Context) => db.selectFrom('tickets').where('workspace_id', '=', agent?.workspace_id ?? '');

export const ownSchema = createSchema<Context>({
  typeDefs: /* GraphQL */ `
    type Ticket {
      id: Int!
      subject: String!
      status: String!
      comments: [Comment!]!
    }
    type Comment {
      number: Int!
      body: String!
      ticket: Ticket
    }
    type Query {
      ticket(id: Int!): Ticket
      comment(ticketId: Int!, number: Int!): Comment
    }
    type Mutation {
      openTicket(subject: String!): Ticket!
      closeTicket(id: Int!): Ticket
    }
  `,
  resolvers: {
    Query: {
      ticket: async (_root, { id }, context) =>
        (await ticketsOf(context).where('id', '=', id).selectAll().executeTakeFirst()) ?? recall(context, 'Ticket', id),
      comment: async (_root, { ticketId, number }, context) =>
        (await ticketsOf(context)
          .innerJoin('comments', 'comments.ticket_id', 'tickets.id')
          .where('ticket_id', '=', ticketId)
          .where('number', '=', number)
          .select(['ticket_id', 'number', 'body'])
          .executeTakeFirst()) ?? recall(context, 'Comment', [ticketId, number]),
    },
    Mutation: {
      openTicket: (_root, { subject }, { db, agent }) =>
        db
          .insertInto('tickets')
          .values({ workspace_id: agent?.workspace_id ?? '', subject } as never)
          .returningAll()
          .executeTakeFirstOrThrow(),
      closeTicket: (_root, { id }, { db, agent }) =>
        db
          .updateTable('tickets')
          .set({ status: 'closed' })
          .where('id', '=', id)
          .where('workspace_id', '=', agent?.workspace_id ?? '')
          .returningAll()
          .executeTakeFirst(),
    },
    Ticket: {
      comments: ({ id }: Ticket, _args, { db }) => db.selectFrom('comments').where('ticket_id', '=', id).selectAll().execute(),
    },
    Comment: {
      ticket: ({ ticket_id }: Tables['comments'], _args, context) =>
        ticketsOf(context).where('id', '=', ticket_id).selectAll().executeTakeFirst(),
    },
  },
});
