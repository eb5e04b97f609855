// Finds the data from which a delivery's templates and body are rendered: the query's result (or the default payload), and the event.
import { type DocumentNode, type FieldNode, Kind, visit } from 'graphql';
import { parseJson } from '../../runtime/exact-json.mjs';
import type { Compiled } from '../base/compiled.js';
import type { Engine } from '../base/engine.js';
import type { Place } from '../base/errors.js';
import type { RecordedEvent, Snapshot } from '../base/model.js';
import { HOW_TO_RECALL } from '../base/recall.js';
import { unrecorded } from '../base/store/recorded-events.js';
import { buildEvent, eventJson, type FieldTexts, type Open, rowJson } from './build-event.js';
import { runQuery } from './run-query.js';

/** The owner's context and the event. They are needed only if the definition has a query or its payload contains data of the event. */
export interface PayloadSources {
  /** Creates the GraphQL context in which one query runs with the rights of the subscription's owner. */
  open: Open;
  /** The row of the node as it was at the event, for a stored query that no longer finds the node. */
  overlay: Snapshot[];
  /** The event; `null` when it is no longer stored, or the definition doesn't read it. */
  event: RecordedEvent | null;
  /** Called after the stored query, with the milliseconds of the event loop that it took. */
  onQuery?(ms: number): void;
}

export function linkTo({ settings }: Engine, nodeId: string): { id: string; url?: string } {
  const url = settings.objectUrl?.(nodeId) ?? null;
  return { id: nodeId, ...(url !== null && { url }) };
}

/**
 * `data`: the query's result or the default payload. `row`: the node's row, if it is the default payload, else `null`. `event`: the event
 * as JSON, if a template needs it, else `null`. `refused`: why there is no data. `isLate`: a query exceeded a time limit.
 */
export type Found = { data: unknown; row: FieldTexts | null; event: string | null } | { refused: string; place?: Place; isLate?: boolean };

interface Search {
  variables: Record<string, unknown>;
  nodeId: string;
  sources: () => PayloadSources;
  /** Data as JSON that replaces the query's result. */
  stored?: string | null;
}

/** Runs the stored query or, without one, builds the default payload; and builds the event that templates read. */
export async function findData(
  engine: Engine,
  compiled: Compiled,
  nodeKey: string,
  { variables, nodeId, sources, stored = null }: Search,
): Promise<Found> {
  const { document, topic } = compiled;
  if (stored !== null && compiled.event === null) return { data: parseJson(stored) as unknown, row: null, event: null };
  if (document === null && compiled.event === null) return { data: linkTo(engine, nodeId), row: null, event: null };
  const { open, overlay: own, event, onQuery } = sources();
  if (stored !== null) {
    const built = await findEvent(engine, compiled, nodeKey, { open, overlay: own, event });
    return typeof built === 'string' ? { data: parseJson(stored) as unknown, row: null, event: built } : built;
  }
  const answer = document
    ? await runQuery(engine, { tenant: compiled.owner.tenant, document, contextValue: await open(own), variableValues: variables, onQuery })
    : null;
  if (answer && 'refused' in answer) return answer;
  if (document && answer?.isWhole && topic.operation === 'deleted' && findsNothing(document, answer.data))
    return { refused: FINDS_NOTHING };
  const built = compiled.event && (await buildEvent(engine, compiled, nodeKey, event ?? unrecorded(topic.operation), { open, own }));
  if (built && 'refused' in built) return built;
  const json = built && eventJson(built);
  if (answer) return { data: answer.data, row: null, event: json };
  const readable = built?.after ?? built?.before ?? {};
  const row = engine.host.defaultPayload === 'ROW' && Object.keys(readable).length > 0 ? readable : null;
  return { data: row ? (parseJson(rowJson(row)) as unknown) : linkTo(engine, nodeId), row, event: json };
}

/** Builds only the event that templates read, as JSON. */
export async function findEvent(
  engine: Engine,
  compiled: Compiled,
  nodeKey: string,
  { open, overlay: own, event }: PayloadSources,
): Promise<string | { refused: string; isLate: true }> {
  const built = await buildEvent(engine, compiled, nodeKey, event ?? unrecorded(compiled.topic.operation), { open, own });
  return 'refused' in built ? built : eventJson(built);
}

const FINDS_NOTHING = `The query found nothing: the node is deleted, and every root field returned null; ${HOW_TO_RECALL}.`;

/**
 * Whether no root field of the query found a node. A field found none when it is `null`, or when its arguments contain a variable and its
 * list contains only `null`. `__typename` is ignored.
 */
export function findsNothing(document: DocumentNode, data: unknown): boolean {
  if (data === null || typeof data !== 'object') return true;
  const roots = rootFields(document);
  const isNothing = ([name, value]: [string, unknown]): boolean =>
    value === null || (Array.isArray(value) && roots.get(name) === true && value.every((item) => item === null));
  const answers = Object.entries(data).filter(([name]) => roots.has(name));
  return answers.length > 0 && answers.every(isNothing);
}

/** Maps each root field, by its alias or name in the response, to whether its arguments contain a variable. */
function rootFields(document: DocumentNode): Map<string, boolean> {
  const found = new Map<string, boolean>();
  const fragments = new Map(
    document.definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node] as const] : [])),
  );
  const sets = document.definitions.flatMap((node) => (node.kind === Kind.OPERATION_DEFINITION ? [node.selectionSet] : []));
  for (let set = sets.pop(); set; set = sets.pop())
    for (const selection of set.selections)
      if (selection.kind === Kind.INLINE_FRAGMENT) sets.push(selection.selectionSet);
      else if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(selection.name.value);
        if (fragment) sets.push(fragment.selectionSet);
      } else if (selection.name.value !== '__typename') found.set((selection.alias ?? selection.name).value, hasVariable(selection));
  return found;
}

function hasVariable({ arguments: given = [] }: FieldNode): boolean {
  let has = false;
  for (const argument of given)
    visit(argument, {
      Variable: () => {
        has = true;
      },
    });
  return has;
}
