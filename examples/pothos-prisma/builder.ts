// Makes the shop's Pothos builder: its context, its scalars, and fields that are non-null unless they say otherwise.
import SchemaBuilder from '@pothos/core';
import PrismaPlugin from '@pothos/plugin-prisma';
import { GraphQLError } from 'graphql';
import type { Membership, Prisma, PrismaClient } from './generated/client.js';
import type PrismaTypes from './generated/pothos-types.js';
import { getDatamodel } from './generated/pothos-types.js';

export interface Context {
  prisma: PrismaClient;
  /** The signed-in person's membership in the organisation of their API key; `null`: nobody is signed in. */
  member: Membership | null;
}

interface Types {
  Context: Context;
  PrismaTypes: PrismaTypes;
  DefaultFieldNullability: false;
  Scalars: {
    BigInt: { Input: bigint; Output: bigint };
    DateTime: { Input: Date; Output: Date };
    Decimal: { Input: string; Output: Prisma.Decimal };
    JSON: { Input: Prisma.InputJsonValue; Output: unknown };
  };
}

export const builder = new SchemaBuilder<Types>({
  plugins: [PrismaPlugin],
  prisma: { client: ({ prisma }) => prisma, dmmf: getDatamodel() },
  defaultFieldNullability: false,
});

builder.scalarType('BigInt', { serialize: String, parseValue: (value) => BigInt(value as string) });
builder.scalarType('DateTime', { serialize: (moment) => moment.toISOString(), parseValue: (text) => new Date(text as string) });
builder.scalarType('Decimal', { serialize: (decimal) => decimal.toFixed(), parseValue: String });
builder.scalarType('JSON', { serialize: (value) => value });

/** Returns the organisation of the signed-in person. @throws GraphQLError `UNAUTHENTICATED` when nobody is signed in */
export function organisationOf({ member }: Context): string {
  if (member) return member.organisationId;
  throw new GraphQLError('Send an API key in the header x-api-key.', { extensions: { code: 'UNAUTHENTICATED' } });
}
