// An error of an executed query in, whose fault it is out.
import { ForbiddenError } from '@pothos/plugin-scope-auth';
import type { GraphQLError } from 'graphql';
import { Prisma } from '../../generated/nodes/client.js';
import { NoTurnError } from '../../runtime/fair-share.js';
import type { Fault } from '../../webhooks/index.js';

/** Prisma's codes for a database that can't be reached, or is too busy for another connection or transaction. */
const DATABASE_TROUBLE = /^P1\d{3}$|^P20(24|28|34|37)$/;

/** Postgres' classes for lost connections, deadlocks, too few resources, locks held too long, and statements that were ended. */
const POSTGRES_TROUBLE = /^(08|40|53|57|58|XX|55P03)/;

/** Not being allowed to read is data; a database in trouble is ours, run again; all else is the node's. */
export function faultOf(error: GraphQLError): Fault {
  const cause = error.originalError;
  if (cause instanceof ForbiddenError) return 'data';
  return isOurs(cause) ? 'ours' : 'node';
}

function isOurs(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientKnownRequestError)
    return DATABASE_TROUBLE.test(error.code) || POSTGRES_TROUBLE.test(postgresCode(error.meta?.driverAdapterError) ?? '');
  return (
    error instanceof NoTurnError ||
    error instanceof Prisma.PrismaClientInitializationError ||
    error instanceof Prisma.PrismaClientUnknownRequestError ||
    error instanceof Prisma.PrismaClientRustPanicError ||
    (error instanceof Error && (error.name === 'DriverAdapterError' || POSTGRES_TROUBLE.test(String((error as { code?: unknown }).code))))
  );
}

function postgresCode(driverError: unknown): string | undefined {
  return (driverError as { cause?: { originalCode?: string } } | undefined)?.cause?.originalCode;
}
