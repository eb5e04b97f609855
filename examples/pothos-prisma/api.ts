// The shop's API server, which identifies people by their API key.
import { PrismaPg } from '@prisma/adapter-pg';
import { createYoga } from 'graphql-yoga';
import type { Context } from './builder.js';
import { PrismaClient } from './generated/client.js';
import { gate, hooks } from './hookgraph.js';

export const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) });

export const yoga = createYoga({
  schema: hooks.schema, // was: ownSchema
  graphqlEndpoint: '/api',
  context: async ({ request }): Promise<Context> => {
    const apiKey = request.headers.get('x-api-key');
    const member = apiKey ? await prisma.membership.findUnique({ where: { apiKey } }) : null;
    return { member, prisma: gate.client(prisma, member) }; // was: prisma
  },
});
