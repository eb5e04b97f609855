// Builds the JSON of an event for templates, with GraphQL field names and only the fields that the owner may read.
import { isObjectType, isRequiredArgument } from 'graphql';
import { parseJson, stringifyJson } from '../../runtime/exact-json.mjs';
import type { Compiled } from '../base/compiled.js';
import type { Engine } from '../base/engine.js';
import type { AnnouncedNode, Json, Operation, RecordedEvent, RowTexts, Snapshot } from '../base/model.js';
import { readsRows } from '../base/templates/event-use.js';
import { readableFields } from './readable-fields.js';

export interface TemplateEvent {
  operation: Operation;
  changed: string[];
  before: FieldTexts | null;
  after: FieldTexts | null;
  actor: Json;
}

/** The values of a row as JSON texts, by GraphQL field. */
export type FieldTexts = Record<string, string>;

/**
 * Creates the GraphQL context in which one query runs with the owner's rights. Resolvers that find no row in the database use the rows in
 * `overlay`, which are as they were at the event.
 */
export type Open = (overlay: Snapshot[]) => object;

/**
 * Builds the event for templates. Returns `refused` when the owner's rights could not be checked before the deadline.
 * @param own rows as they were at the event, which the stored query uses when the database no longer has them
 * @throws Error for an internal failure
 */
export async function buildEvent(
  engine: Engine,
  { node, owner, event: use }: Compiled,
  nodeKey: string,
  event: RecordedEvent,
  { open, own }: { open: Open; own: Snapshot[] },
): Promise<TemplateEvent | { refused: string; isLate: true }> {
  const fields = node ? exposedFields(engine, node) : new Map<string, string>();
  const { operation, changed, before, after } = event;
  const used = [...fields].filter(([field]) => use?.fields === 'ALL' || use?.fields.includes(field));
  const requested = use && readsRows(use) && (before || after) ? used : [];
  const readable =
    node && requested.length > 0
      ? await readableFields(engine, node, nodeKey, requested, { before, after, open, own, tenant: owner.tenant })
      : NONE;
  if (readable === null)
    return { refused: 'Checking which fields of the event the owner may read took longer than the time limit of a query.', isLate: true };
  const readableRow = (row: RowTexts | null): FieldTexts | null =>
    row && Object.fromEntries(requested.flatMap(([field, column]) => (readable.has(field) ? [[field, row[column] ?? 'null']] : [])));
  const names = new Map([...fields].map(([field, column]) => [column, field]));
  const links = new Set(node?.links?.map(({ field }) => field));
  const relations = new Set(node?.relations?.map(({ field }) => field));
  // A field of related rows begins with the relation, such as `items.price`.
  const isOther = (field: string) => links.has(field) || relations.has(field.split('.', 1)[0] as string);
  return {
    operation,
    changed: (changed ?? []).flatMap((column) => names.get(column) ?? (isOther(column) ? column : [])),
    before: readableRow(before),
    after: readableRow(after),
    actor: actorIn(event.context),
  };
}

const NONE: ReadonlySet<string> = new Set();

export function eventJson({ operation, changed, before, after, actor }: TemplateEvent): string {
  const rows = [before, after].map((row) => (row ? rowJson(row) : 'null'));
  return `{"operation":${JSON.stringify(operation)},"changed":${JSON.stringify(changed)},"before":${rows[0]},"after":${rows[1]},"actor":${stringifyJson(actor)}}`;
}

export const rowJson = (row: FieldTexts): string =>
  `{${Object.entries(row)
    .map(([field, text]) => `${JSON.stringify(field)}:${text}`)
    .join(',')}}`;

/** Maps GraphQL fields to columns: all announced columns for which the host's type has a field without required arguments. */
export function exposedFields({ host }: Engine, { typename, columns }: AnnouncedNode): Map<string, string> {
  const type = host.schema().getType(typename);
  const fields = isObjectType(type) ? type.getFields() : {};
  return new Map(
    Object.entries(columns).flatMap(([column, name]) => {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      return field && !field.args.some(isRequiredArgument) ? [[name, column] as const] : [];
    }),
  );
}

/**
 * Returns the property `actor` of the context that the writer recorded with the event; `null` when the context is not a JSON object with an
 * actor.
 */
export function actorIn(context: string | null): Json {
  if (context === null) return null;
  try {
    const parsed = parseJson(context) as { actor?: Json } | null;
    return typeof parsed === 'object' && parsed !== null ? (parsed.actor ?? null) : null;
  } catch {
    return null;
  }
}
