// Decides whose fault an error of an executed query is, where Prisma or the database beneath it threw.
import type { GraphQLError } from 'graphql';
import { UnsayableValue } from '../../runtime/unsayable-value.js';
import type { Fault } from '../../webhooks/index.js';
import { isDatabaseTrouble } from '../faults.js';
import { knownCodeOf } from './prisma-types.js';

/** Prisma's codes for a database that can't be reached, or is too busy for another connection or transaction. */
const DATABASE_TROUBLE = /^P1\d{3}$|^P20(24|28|34|37)$/;

/** Errors without a code: the client could not start, the connection broke, or the engine did. */
const OURS = ['PrismaClientInitializationError', 'PrismaClientUnknownRequestError', 'PrismaClientRustPanicError', 'DriverAdapterError'];

/** A value that GraphQL can't say is data. Null: it is neither Prisma's nor the database's. */
export function faultOf({ originalError: cause }: GraphQLError): Fault | null {
  if (cause instanceof UnsayableValue) return 'data';
  if (DATABASE_TROUBLE.test(knownCodeOf(cause) ?? '') || isDatabaseTrouble(cause)) return 'ours';
  if (OURS.includes((cause as { name?: string } | undefined)?.name ?? '')) return 'ours';
  return null;
}
