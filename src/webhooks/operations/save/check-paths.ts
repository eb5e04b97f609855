// Checks the paths that a template reads against what is known of its data: the query's answer or the default payload, `event`,
// `notification`, and the response. A path that can't exist is always empty, so it is a warning with its position and the likely name.
import type { DocumentNode } from 'graphql';
import { didYouMean } from 'graphql/jsutils/didYouMean.js';
import { suggestionList } from 'graphql/jsutils/suggestionList.js';
import type { Engine } from '../../base/engine.js';
import { type Problem, problemAt } from '../../base/errors.js';
import type { Topic } from '../../base/model.js';
import { announcedNode } from '../../base/own-node.js';
import type { Read } from '../../base/templates/rendering.mjs';
import { ANY, findMiss, LEAF, listOf, type Miss, objectOf, type Shape, shapeOfAnswer } from '../../base/templates/shapes.js';
import { INVENTED_NOTIFICATION } from '../../base/templates/template-data.js';
import { exposedFields } from '../../payload/build-event.js';

/** The variables of a template, by name. `hasQuery`: whether `data` is the answer of a query. */
export interface Variables {
  shapes: Record<string, Shape>;
  hasQuery: boolean;
}

/** Maximum number of warnings for a template. */
const MOST_WARNINGS = 5;
/** Maximum number of names that a warning lists when none of them is similar. */
const MOST_NAMES = 12;

/** Returns the variables of the validation and body template. */
export function variablesOfPayload(engine: Engine, topic: Topic, document: DocumentNode | null): Variables {
  const { event } = variablesOfResponse(engine, topic).shapes as { event: Shape };
  const notification = objectOf(Object.fromEntries(Object.keys(INVENTED_NOTIFICATION.notification as object).map((name) => [name, LEAF])));
  const data = document ? shapeOfAnswer(engine.host.schema(), document) : defaultPayload(engine, topic);
  return { shapes: { data, notification, event }, hasQuery: document !== null };
}

/** Returns the variables of the error template. The headers and the body are the receiver's. */
export function variablesOfResponse(engine: Engine, topic: Topic): Variables {
  const row = objectOf(fieldsOfRow(engine, topic));
  const event = objectOf({ operation: LEAF, changed: listOf(LEAF), before: row, after: row, actor: ANY });
  return { shapes: { status: LEAF, headers: ANY, body: ANY, event }, hasQuery: false };
}

function defaultPayload(engine: Engine, topic: Topic): Shape {
  const link = { id: LEAF, ...(engine.settings.objectUrl && { url: LEAF }) };
  // If a row no longer exists, the link to its node is sent instead, so its fields are possible, too.
  return objectOf(engine.host.defaultPayload === 'ROW' ? { ...link, ...fieldsOfRow(engine, topic) } : link);
}

/** Returns the fields of a row in an event. A column can hold JSON, whatever the type of its field is. */
function fieldsOfRow(engine: Engine, { typename }: Topic): Record<string, Shape> {
  const node = announcedNode(engine.host, typename);
  return node ? Object.fromEntries([...exposedFields(engine, node).keys()].map((name) => [name, ANY])) : {};
}

/** Returns a warning for each path that can't exist. `source`: the template's text. */
export function missingPaths(field: string, source: string, reads: readonly Read[], variables: Variables): Problem[] {
  const found = reads.flatMap((read) => {
    const misses = read.paths.map((path) => ({ path, miss: missOf(path, variables) }));
    // A variable may stand for several values. The path is a mistake only if it exists in none of them.
    const [first] = misses;
    return first?.miss && misses.every(({ miss }) => miss) ? [{ read, path: first.path, miss: first.miss }] : [];
  });
  const warnings = found.slice(0, MOST_WARNINGS).map(({ read, path, miss }) => {
    const resolved = written(path);
    const what = resolved === read.text ? resolved : `${read.text} (${resolved})`;
    return problemAt(field, `reads ${what}, ${sentenceOf(path, miss, variables)}`, source, read.place, 'warning');
  });
  const further = found.length - warnings.length;
  if (further > 0) warnings.push({ field, message: `reads ${further} more paths that do not exist`, severity: 'warning' });
  return warnings;
}

type Path = Read['paths'][number];

function missOf(path: Path, { shapes }: Variables): Miss | null {
  return findMiss({ kind: 'OBJECT', fields: new Map(Object.entries(shapes)) }, path);
}

function sentenceOf(path: Path, miss: Miss, { shapes, hasQuery }: Variables): string {
  const name = String(path[miss.at]);
  const parent = written(path.slice(0, miss.at));
  if (miss.of === 'LIST') return `but ${parent} is a list, so this is always empty; use a \`for\` loop or ${parent}[0].${name}`;
  if (miss.of === 'LEAF') return `but ${parent} has no fields, so this is always empty`;
  const names = suggestionsFor(name, miss.known);
  if (miss.at === 0) return `but there is no variable ${name} here.${names || listed('The variables are', Object.keys(shapes))}`;
  const what =
    path[0] === 'data' && hasQuery
      ? `but the query does not select ${JSON.stringify(name)} there`
      : `but ${parent} has no ${JSON.stringify(name)}`;
  return `${what}, so this is always empty.${names || listed('It has', miss.known)}`;
}

const suggestionsFor = (name: string, known: readonly string[]): string => didYouMean(suggestionList(name, known).slice(0, 1));

function listed(what: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  return ` ${what}: ${names.slice(0, MOST_NAMES).join(', ')}${names.length > MOST_NAMES ? ', …' : ''}.`;
}

/** Writes a path as a template does: `data.nodes[0].name`. */
function written(path: Path): string {
  return path.map((part, at) => (part === null ? '[…]' : typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`)).join('');
}
