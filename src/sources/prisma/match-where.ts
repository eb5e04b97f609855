// Decides whether a snapshot (a row as it was at the event, which the database may no longer contain) matches a Prisma
// `where`.
import { compoundName, type Datamodel, type Field, inverseOf, type Model } from './datamodel.js';
import { delegateOf } from './delegate.js';
import type { PrismaNamespace, Row } from './prisma-types.js';

export interface Known extends Datamodel {
  Prisma: PrismaNamespace;
}

/**
 * Whether the row matches; `undefined` when that can't be decided, for example because a related row is deleted as
 * well.
 */
type Verdict = boolean | undefined;

interface Judged {
  known: Known;
  model: Model;
  row: Row;
  /** Returns the client that reads related rows. */
  client: () => object;
}

type Where = Record<string, unknown>;

/** Collects the fields for which a `where` lists the allowed values (by equality, `equals` or `in`), and these values. */
function pinsOf(model: Model, where: Where | undefined, pins = new Map<string, unknown[]>()): Map<string, unknown[]> {
  const compounds = compoundsOf(model);
  for (const [name, value] of Object.entries(where ?? {})) {
    if (value === undefined) continue;
    if (name === 'AND') for (const inner of [value].flat()) pinsOf(model, inner as Where, pins);
    else if (compounds.has(name)) pinsOf(model, value as Where, pins);
    else if (!isFilter(value)) pins.set(name, [value]);
    else if ('equals' in value) pins.set(name, [value.equals]);
    else if (Array.isArray(value.in)) pins.set(name, value.in);
  }
  return pins;
}

/**
 * Whether the `where` lists the allowed values of every field of a primary key or unique index. Only then does a read ask
 * for certain rows, of which a snapshot may replace a deleted one.
 */
export function isPinned(model: Model, where: Where | undefined): boolean {
  const pins = pinsOf(model, where);
  const uniques = [
    ...(model.primaryKey ? [model.primaryKey.fields] : []),
    ...model.uniqueFields,
    ...model.fields.filter(({ isId, isUnique }) => isId || isUnique).map(({ name }) => [name]),
  ];
  return uniques.some((fields) => fields.every((name) => pins.has(name)));
}

const compoundsOf = (model: Model): Set<string> =>
  new Set(
    [...(model.primaryKey ? [model.primaryKey] : []), ...model.uniqueIndexes].filter(({ fields }) => fields.length > 1).map(compoundName),
  );

export async function matches(judged: Judged, where: Where | undefined): Promise<Verdict> {
  const compounds = compoundsOf(judged.model);
  const verdicts = Object.entries(where ?? {}).map(([name, filter]): Verdict | Promise<Verdict> => {
    if (filter === undefined) return true;
    if (name === 'AND' || compounds.has(name)) return all([filter].flat().map((inner) => matches(judged, inner as Where)));
    if (name === 'OR') return negate(all([filter].flat().map(async (inner) => not(await matches(judged, inner as Where)))));
    if (name === 'NOT') return all([filter].flat().map(async (inner) => not(await matches(judged, inner as Where))));
    const field = judged.model.fields.find((candidate) => candidate.name === name);
    if (!field) return undefined;
    return field.kind === 'object' ? matchesRelation(judged, field, filter) : matchesColumn(judged, field, filter);
  });
  return all(verdicts);
}

const not = (verdict: Verdict): Verdict => (verdict === undefined ? undefined : !verdict);
const negate = async (verdict: Promise<Verdict>): Promise<Verdict> => not(await verdict);

async function all(verdicts: (Verdict | Promise<Verdict>)[]): Promise<Verdict> {
  const known = await Promise.all(verdicts);
  return known.includes(false) ? false : known.includes(undefined) ? undefined : true;
}

/** Whether the value is an object of operators, rather than a Date, Decimal or bytes. */
function isFilter(value: unknown): value is Where {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function matchesColumn(judged: Judged, field: Field, filter: unknown): Verdict {
  const value = judged.row[field.name];
  const equals = (other: unknown) => sameValue(judged.known, field, value, other);
  if (!isFilter(filter)) return equals(filter);
  const verdicts = Object.entries(filter).map(([operator, operand]): Verdict => {
    if (operand === undefined) return true;
    if (operator === 'equals') return equals(operand);
    if (operator === 'not') return isFilter(operand) ? not(matchesColumn(judged, field, operand)) : not(equals(operand));
    if (!Array.isArray(operand)) return undefined;
    const among = operand.map(equals);
    const found = among.includes(true) ? true : among.includes(undefined) ? undefined : false;
    return operator === 'in' ? found : operator === 'notIn' ? not(found) : undefined;
  });
  return verdicts.includes(false) ? false : verdicts.includes(undefined) ? undefined : true;
}

function sameValue({ Prisma }: Known, { type, kind, isList, nativeType }: Field, value: unknown, other: unknown): Verdict {
  if (value === null || value === undefined || other === null) return (value ?? null) === other;
  if (isList || (kind === 'scalar' && type === 'Json')) return undefined;
  if (type === 'DateTime') return new Date(value as Date).getTime() === new Date(other as Date).getTime();
  if (type === 'Bytes') return Buffer.from(value as Uint8Array).equals(Buffer.from(other as Uint8Array));
  if (type === 'Decimal') return String(new Prisma.Decimal(String(value))) === String(new Prisma.Decimal(String(other)));
  if (nativeType === 'Uuid') return String(value).toLowerCase() === String(other).toLowerCase();
  if (nativeType === 'Char') return String(value).trimEnd() === String(other).trimEnd();
  return String(value) === String(other);
}

/**
 * Whether the row meets a condition on a relation, by the related rows in the database; `undefined` when these can't
 * decide it, for example because the related row is deleted, too.
 */
async function matchesRelation({ known, model, row, client }: Judged, relation: Field, filter: unknown): Promise<Verdict> {
  const other = delegateOf(client(), relation.type);
  const { relationFromFields: from = [], relationToFields: to = [] } = relation;
  if (from.length === 0) {
    const inverse = inverseOf(known, model, relation);
    const condition = relation.isList ? (filter as { some?: Where } | null)?.some : (filter as Where | null);
    if (!condition || !inverse.relationFromFields?.length) return undefined;
    const held = Object.fromEntries(inverse.relationFromFields.map((name, i) => [name, row[inverse.relationToFields?.[i] as string]]));
    return (await other.findFirst({ where: { AND: [held, condition] } })) ? true : undefined;
  }
  const pointed = Object.fromEntries(to.map((name, i) => [name, row[from[i] as string]]));
  const pointsNowhere = Object.values(pointed).some((value) => value === null || value === undefined);
  const { is, isNot, ...direct } = (filter ?? {}) as { is?: Where | null; isNot?: Where | null };
  if (isNot !== undefined) return undefined;
  const condition = filter === null || is === null ? null : (is ?? direct);
  if (condition === null || pointsNowhere) return (condition === null) === pointsNowhere;
  if (await other.findFirst({ where: { AND: [pointed, condition] } })) return true;
  return (await other.findFirst({ where: pointed })) ? false : undefined;
}
