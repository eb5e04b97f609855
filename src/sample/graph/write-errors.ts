// Converts the error of a failed write to the mistakes that the user made, for the field `errors` of the mutation's payload.
import { Prisma } from '../../generated/nodes/client.js';
import { WriteRefused } from '../../index.js';
import { fieldOf, relationOfColumn } from '../../sources/prisma/index.js';
import type { NodeDefinition } from './define-node.js';
import { type UserError, UserMistake } from './user-error.js';

/** Returns the user's mistakes; `null` when the error has another cause, such as a lost connection. */
export function mistakesOf(error: unknown, { definition, path }: { definition: NodeDefinition; path: string[] }): UserError[] | null {
  if (error instanceof UserMistake) return error.errors;
  if (error instanceof WriteRefused) return error.refusals.map((refusal) => ({ ...refusal, field: 'base', path }));
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return null;
  const mistake = (field: string, message: string, type: UserError['type']): UserError[] => [
    { field, message, type, path: field === 'base' ? path : [...path, field] },
  ];
  switch (error.code) {
    case 'P2000':
      return mistake('base', 'a value is too long', 'INVALID');
    case 'P2020':
      return mistake('base', 'a number is out of range', 'INVALID');
    case 'P2002':
      return mistake(takenField(error, definition), 'has already been taken', 'TAKEN');
    // A foreign key was violated: the referenced row was deleted, or other rows refer to the row to be deleted.
    case 'P2003':
    case 'P2014':
      return mistake('base', 'another object was deleted, or still refers to this object', 'IN_USE');
    case 'P2025':
      return mistake('id', 'not found', 'NOT_FOUND');
    default:
      return null;
  }
}

interface DriverCause {
  constraint?: { fields?: string[]; index?: string };
}

/**
 * Returns the field to blame for a violated unique index: the last field of the index other than the tenant. Postgres reports the index by
 * its name.
 */
function takenField({ meta }: Prisma.PrismaClientKnownRequestError, { model, tenant }: NodeDefinition): string {
  const { fields: columns, index } = (meta?.driverAdapterError as { cause?: DriverCause } | undefined)?.cause?.constraint ?? {};
  const uniques = [
    ...model.uniqueIndexes.map(({ fields }) => fields),
    ...model.fields.filter(({ isUnique }) => isUnique).map(({ name }) => [name]),
  ];
  const columnsOf = (fields: string[]) => fields.map((field) => fieldOf(model, field).column);
  const taken = uniques.find((fields) =>
    columns
      ? sameMembers(
          columnsOf(fields),
          columns.map((column) => column.replaceAll('"', '')),
        )
      : `${model.table}_${columnsOf(fields).join('_')}_key` === index,
  );
  const name = taken?.filter((field) => field !== tenant).at(-1);
  if (!name) return 'base';
  const relation = relationOfColumn(model, name);
  return relation ? `${relation.name}Id` : name;
}

function sameMembers(some: string[], others: string[]): boolean {
  return some.length === others.length && some.every((one) => others.includes(one));
}
