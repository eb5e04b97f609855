// Creates, updates or deletes the row of a node: through Prisma in a transaction, or by one SQL statement without Prisma.

import type { Viewer } from '../../auth/viewer.js';
import { Prisma } from '../../generated/nodes/client.js';
import type { Snapshot } from '../../index.js';
import {
  columnFields,
  delegateOf,
  type Equalities,
  fieldOf,
  type Model,
  type PlannedStatement,
  type QuickWrite,
  type Row,
  rowOfSnapshot,
  toMarked,
} from '../../sources/prisma/index.js';
import type { Client } from '../prisma.js';
import { KEPT_BY_DATABASE, type NodeDefinition, tenantPath, whereTenant } from './define-node.js';
import { type InputSource, idsField, readInput, whereGlobalId } from './mutation-input.js';
import type { SchemaParts } from './node-type.js';
import { UserMistake } from './user-error.js';

export type Operation = 'create' | 'update' | 'delete';

interface Write {
  parts: SchemaParts;
  definition: NodeDefinition;
  written: Row;
  path: string[];
  viewer: Viewer;
  tx: Client;
  /** Returns the `select` or `include` for the fields that the mutation's result selects. */
  query: () => object;
  /** The row as before-hooks saw it, from a first run of the write that was rolled back; `null` without before-hooks. */
  seen: Snapshot | null;
}

/** Writes through Prisma and returns the row. @throws UserMistake, and any error of Prisma */
export const WRITES: Record<Operation, (write: Write) => Promise<Row>> = {
  create: async (write) =>
    delegateOf(write.tx, write.definition.model.name).create({ ...write.query(), data: forPrisma(write, await newRow(write)) }),
  async update(write) {
    const where = whereWritten(write);
    return delegateOf(write.tx, write.definition.model.name).update({
      ...write.query(),
      where,
      data: forPrisma(write, await changes(write)),
    });
  },
  async delete(write) {
    const row = await rowToDelete(write);
    const where = whereWritten(write);
    await delegateOf(write.tx, write.definition.model.name).delete({ where, select: { [Object.keys(where)[0] as string]: true } });
    return row;
  },
};

/**
 * Replaces JSON values by strings that ExactPg (the database adapter) sends as JSON, because Prisma would round numbers with many digits.
 */
function forPrisma({ definition: { model } }: Write, data: Row): Row {
  const json = columnFields(model).filter(({ name, type }) => type === 'Json' && data[name] != null && data[name] !== Prisma.DbNull);
  return { ...data, ...Object.fromEntries(json.map(({ name }) => [name, toMarked(data[name])])) };
}

/**
 * Returns a function that runs the write by one SQL statement; returns `null` when only Prisma can run it. Further statements read the
 * relations that the payload selects: after the write or, for a deletion, before it.
 * @throws UserMistake
 */
export async function planStatement(
  operation: Operation,
  write: Write,
  quick: QuickWrite | null,
): Promise<((announcement: string[]) => Promise<Row>) | null> {
  const { definition, written, path } = write;
  // If the row has its tenant from a parent row, the parent must be read too, so one statement isn't enough.
  if (!quick || fieldOf(definition.model, definition.tenant).kind === 'object') return null;
  if (definition.writableConnections.some((connection) => written[idsField(connection)] !== undefined)) return null;
  const statement = await PLANS[operation](write, quick);
  return (
    statement &&
    (async (announcement) => {
      const row = await statement(announcement);
      if (!row) throw notFound(path);
      return row;
    })
  );
}

const PLANS: Record<Operation, (write: Write, quick: QuickWrite) => Promise<PlannedStatement | null>> = {
  create: async (write, quick) => quick.insert(write.definition.model, await newRow(write)),
  async update(write, quick) {
    const where = equalitiesOf(write);
    return quick.update(write.definition.model, where, await changes(write));
  },
  async delete(write, quick) {
    const statement = quick.delete(write.definition.model, equalitiesOf(write));
    if (!statement || Object.keys(write.query()).length === 0) return statement;
    return async (announcement) => {
      const related = await rowToDelete(write);
      const row = await statement(announcement);
      return row && { ...related, ...row };
    };
  },
};

const sourceOf = ({ parts, definition, viewer, tx, path }: Write): InputSource => ({
  definition,
  definitions: parts.definitions,
  organizationId: viewer.organizationId,
  tx,
  path,
});

const changes = (write: Write): Promise<Row> => readInput(write.written, 'update', sourceOf(write));

async function newRow(write: Write): Promise<Row> {
  const { definition, written, viewer, tx, seen } = write;
  const { model, tenant, complete } = definition;
  const data = await readInput(written, 'create', sourceOf(write));
  const belongs = tenant === 'organizationId' ? { organizationId: viewer.organizationId } : {};
  const completed = complete ? await complete(data, { tx, viewer }) : {};
  const shown = seen ? shownValues(model, completed, seen) : {};
  return { ...completed, ...shown, ...data, ...belongs };
}

async function rowToDelete(write: Write): Promise<Row> {
  const row = await delegateOf(write.tx, write.definition.model.name).findUnique({ ...write.query(), where: whereWritten(write) });
  if (!row) throw notFound(write.path);
  return row;
}

/**
 * Returns the values that before-hooks saw and that the user didn't set, such as the generated key, so that the write uses the same values.
 */
function shownValues(model: Model, completed: Row, seen: Snapshot): Row {
  const row = rowOfSnapshot(model, seen, Prisma);
  const fields = columnFields(model).filter(
    ({ name, type, hasDefaultValue }) =>
      (hasDefaultValue || name in completed) && !KEPT_BY_DATABASE.includes(name) && !(type === 'Json' && row[name] === null),
  );
  return Object.fromEntries(fields.map(({ name }) => [name, row[name]]));
}

/** Returns Prisma's `where` for the row that the user names, if the row belongs to the viewer's organization. */
function whereWritten(write: Write): Row {
  return { ...keyWritten(write), AND: [whereTenant(tenantPath(write.definition, write.parts.definitions), write.viewer.organizationId)] };
}

/** Returns the condition of `whereWritten` as pairs of field and value, for rows with their organization's id in a column. */
function equalitiesOf(write: Write): Equalities {
  return [...Object.entries(keyWritten(write)), [write.definition.tenant, write.viewer.organizationId]];
}

function keyWritten({ definition, written, path }: Write): Row {
  if (written.id === undefined || written.id === null)
    throw new UserMistake([{ field: 'id', message: "can't be blank", path: [...path, 'id'], type: 'BLANK' }]);
  const key = whereGlobalId(String(written.id), definition.model);
  if (!key) throw notFound(path);
  return key;
}

function notFound(path: string[]): UserMistake {
  return new UserMistake([{ field: 'id', message: 'not found', path: [...path, 'id'], type: 'NOT_FOUND' }]);
}
