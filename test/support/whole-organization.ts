// Fills an organization with at least one row of every node type and a marker in every text.
import type { PrismaClient } from '../../src/generated/nodes/client.js';
import { datamodel } from '../../src/sample/prisma.js';
import type { Field, Model } from '../../src/sources/prisma/datamodel.js';
import { delegateOf, type Row } from '../../src/sources/prisma/index.js';

export interface WholeOrganization {
  organizationId: string;
  /** The user who owns the new rows. */
  userId: string;
  marker: string;
}

/**
 * Inserts the rows. Finds the models in the Prisma schema, so that a model which is added later gets its row
 * automatically.
 */
export async function fillOrganization(prisma: PrismaClient, { organizationId, userId, marker }: WholeOrganization): Promise<void> {
  const rows = new Map<string, Row>([
    ['Organization', { id: organizationId }],
    ['User', { id: userId }],
  ]);
  const waiting = new Set(datamodel.models.filter(({ name }) => !rows.has(name) && name !== 'ApiToken'));
  for (let round = 0; waiting.size > 0 && round < 20; round++)
    for (const model of [...waiting]) {
      const data = rowOf(model, { rows, marker, patient: round < 8 });
      if (!data) continue;
      rows.set(model.name, await delegateOf(prisma, model.name).create({ data }));
      waiting.delete(model);
    }
  if (waiting.size > 0) throw new Error(`No row could be made of ${[...waiting].map(({ name }) => name).join(', ')}`);
  for (const model of ['Organization', 'User'].map((name) => datamodel.models.find((one) => one.name === name) as Model)) {
    const texts = model.fields.filter((field) => isText(field)).map((field) => [field.name, sampleOf(field, marker)]);
    await delegateOf(prisma, model.name).update({ where: { id: rows.get(model.name)?.id }, data: Object.fromEntries(texts) });
  }
}

/**
 * Returns a row's data; `null` when a row to which it must refer doesn't exist yet. `patient`: also returns `null` when the
 * reference is optional.
 */
function rowOf(model: Model, { rows, marker, patient }: { rows: Map<string, Row>; marker: string; patient: boolean }): Row | null {
  const data: Row = {};
  const keys = new Set<string>();
  for (const { type, isRequired, relationFromFields, relationToFields } of model.fields.filter(({ kind }) => kind === 'object')) {
    for (const [index, name] of (relationFromFields ?? []).entries()) {
      keys.add(name);
      const value = rows.get(type)?.[relationToFields?.[index] as string];
      if (value !== undefined) data[name] = value;
      else if ((isRequired || patient) && type !== model.name) return null;
    }
  }
  for (const field of model.fields) {
    if (keys.has(field.name) || field.kind === 'object' || field.isId || model.primaryKey?.fields.includes(field.name)) continue;
    const value = sampleOf(field, marker);
    if (value !== undefined && (isText(field) || field.type === 'Json' || !field.hasDefaultValue)) data[field.name] = value;
  }
  return data;
}

function isText({ type, kind, nativeType, isId }: Field): boolean {
  return kind === 'scalar' && type === 'String' && nativeType !== 'Uuid' && !isId;
}

let count = 0;

function sampleOf(field: Field, marker: string): unknown {
  const { kind, type, isList, nativeType } = field;
  if (kind === 'enum') {
    const first = datamodel.enums.find(({ name }) => name === type)?.values[0]?.name;
    return isList ? [first] : first;
  }
  if (type === 'String' && nativeType === 'Uuid') return undefined;
  const value = {
    String: `${marker}-${count++}`,
    Int: 1,
    BigInt: 1n,
    Float: 1,
    Decimal: 1,
    Boolean: true,
    DateTime: new Date(),
    Json: { text: `${marker}-${count++}` },
  }[type];
  return isList && value !== undefined ? [value] : value;
}
