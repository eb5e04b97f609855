// Opens a Prisma client that records the statements it executes.
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../../src/generated/nodes/client.js';

export interface CountingPrisma {
  prisma: PrismaClient;
  /** The SQL of every statement since the last call. */
  take(): string[];
}

export function openCountingPrisma(url: string): CountingPrisma {
  const statements: string[] = [];
  const client = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }), log: [{ emit: 'event', level: 'query' }] });
  client.$on('query', ({ query }) => statements.push(query));
  return { prisma: client as unknown as PrismaClient, take: () => statements.splice(0) };
}
