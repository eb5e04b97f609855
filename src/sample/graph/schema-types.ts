// Declares the types that the Pothos builder needs at compile time: models, context and scalars.
import type PrismaTypes from '../../generated/nodes/pothos-types.js';
import type { ExactNumber, Json } from '../../index.js';
import type { Context } from './context.js';

export interface SchemaShape {
  PrismaTypes: PrismaTypes;
  Context: Context;
  AuthScopes: Record<never, never>;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    JSON: { Input: Json; Output: Json };
    BigInt: { Input: bigint; Output: bigint };
    Alphanumeric: { Input: string | number | ExactNumber; Output: string | number | ExactNumber };
  };
  DefaultInputFieldRequiredness: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultNodeNullability: false;
}

export type Types = PothosSchemaTypes.ExtendDefaultTypes<SchemaShape>;
export type Builder = PothosSchemaTypes.SchemaBuilder<Types>;
