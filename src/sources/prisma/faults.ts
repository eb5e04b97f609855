// Decides who is at fault for an execution error that Prisma or the database threw.
import type { GraphQLError } from 'graphql';
import { UnrepresentableValue } from '../../runtime/unrepresentable-value.js';
import type { Fault } from '../../webhooks/index.js';
import { isDatabaseTrouble } from '../faults.js';
import { knownCodeOf } from './prisma-types.js';

/**
 * Prisma's error codes for a failed connection (P1…), a wait for a connection that timed out (P2024), a failed transaction
 * (P2028), a write conflict or deadlock (P2034), and too many connections (P2037).
 */
const DATABASE_TROUBLE = /^P1\d{3}$|^P20(24|28|34|37)$/;

/**
 * Names of Prisma errors without a code for which the query isn't at fault: the client could not start, or the connection
 * or engine broke.
 */
const DATABASE_ERRORS = [
  'PrismaClientInitializationError',
  'PrismaClientUnknownRequestError',
  'PrismaClientRustPanicError',
  'DriverAdapterError',
];

/**
 * Returns 'data' for a value that GraphQL can't represent, 'ours' for trouble with the database, and `null` for an
 * error of neither Prisma nor the database.
 */
export function faultOf({ originalError: cause }: GraphQLError): Fault | null {
  if (cause instanceof UnrepresentableValue) return 'data';
  if (DATABASE_TROUBLE.test(knownCodeOf(cause) ?? '') || isDatabaseTrouble(cause)) return 'ours';
  if (DATABASE_ERRORS.includes((cause as { name?: string } | undefined)?.name ?? '')) return 'ours';
  return null;
}
