// Makes cursors of root lists from the values by which the list is sorted, so that a page continues at the same place after its last row
// was changed or deleted.
import { formatPrismaCursor, parsePrismaCursor } from '@pothos/plugin-prisma';
import { GraphQLError } from 'graphql';
import { fieldOf, type Model, type Row } from '../../sources/prisma/index.js';

/** The types of columns that Prisma can compare. A list that is sorted by another column has cursors that contain a row's key. */
const COMPARABLE = new Set(['String', 'DateTime', 'Int', 'BigInt', 'Float', 'Decimal']);
const MARK = 'order ';

type Order = [field: string, direction: 'asc' | 'desc'][];

/** Converts Prisma's `orderBy` to pairs of field and direction; `null` when Prisma can't compare one of the columns. */
function orderIn(model: Model, orderBy: Row[]): Order | null {
  const order = orderBy.flatMap((part) => Object.entries(part)) as Order;
  return order.every(([name]) => fieldOf(model, name).kind === 'scalar' && COMPARABLE.has(fieldOf(model, name).type)) ? order : null;
}

const nameOf = (order: Order): string => MARK + order.map((part) => part.join(' ')).join(', ');

/** Returns the cursor of a row in a list with this order, made of the row's values; `null` when Prisma can't compare them. */
export function keysetCursor(model: Model, orderBy: Row[], row: Row): string | null {
  const order = orderIn(model, orderBy);
  if (!order) return null;
  const fields = order.map(([name]) => name);
  return formatPrismaCursor({ ...row, [MARK]: nameOf(order) }, [MARK, ...fields]);
}

/** Whether the cursor contains values of a row, instead of its key. */
export const isKeyset = (cursor: string): boolean => valuesIn(cursor) !== null;

/**
 * Returns a `where` for the rows after the cursor or, with `isBefore`, before it; `null` when the cursor contains a row's key.
 * @throws GraphQLError when the cursor belongs to a list with another order
 */
export function whereBeyond(model: Model, orderBy: Row[], cursor: string, isBefore: boolean): Row | null {
  const found = valuesIn(cursor);
  if (!found) return null;
  const order = orderIn(model, orderBy);
  const [name, ...values] = found;
  if (!order || name !== nameOf(order) || values.length !== order.length)
    throw new GraphQLError('The cursor is of a list in another order: start again from the first page.');
  return {
    OR: order.flatMap(([field, direction], index) => {
      const isAscending = (direction === 'asc') !== isBefore;
      const later = laterThan(values[index], { field, isAscending, isNullable: !fieldOf(model, field).isRequired });
      const equal = order.slice(0, index).map(([same], place) => ({ [same]: values[place] as never }));
      return later ? [{ AND: [...equal, later] }] : [];
    }),
  };
}

/** Returns the `where` for later values than this one. Postgres sorts nulls last in ascending order, and first in descending order. */
function laterThan(
  value: unknown,
  { field, isAscending, isNullable }: { field: string; isAscending: boolean; isNullable: boolean },
): Row | null {
  if (value === null) return isAscending ? null : { [field]: { not: null } };
  const compared = { [field]: { [isAscending ? 'gt' : 'lt']: value } };
  return isAscending && isNullable ? { OR: [compared, { [field]: null }] } : compared;
}

function valuesIn(cursor: string): unknown[] | null {
  try {
    const parsed: unknown = parsePrismaCursor(cursor);
    return Array.isArray(parsed) && typeof parsed[0] === 'string' && parsed[0].startsWith(MARK) ? parsed : null;
  } catch {
    return null;
  }
}
