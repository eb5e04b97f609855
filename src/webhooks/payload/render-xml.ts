// Renders the XML body of a subscription without a template, as docs/wire-formats.md#default-payload describes.

import { ExactNumber } from '../../runtime/exact-json.mjs';
import { loopShare } from '../../runtime/loop-share.js';
import { escapeXml } from '../base/templates/rendering.mjs';

/** Number of elements that are rendered in one piece; they take about 2 ms. */
const PIECE = 1_000;

/** Renders `<?xml …?><data>…</data>`: keys become elements, lists repeat `<item>`, and null is an empty element with `nil="true"`. */
export function renderXml(payload: { data: unknown }): string {
  const pieces = xmlOf(payload);
  for (;;) {
    const next = pieces.next();
    if (next.done) return next.value;
  }
}

/** Does the same as `renderXml`, but waits after each piece until it is the tenant's turn on the event loop. */
export async function renderXmlInTurns(payload: { data: unknown }, tenant: string): Promise<string> {
  const pieces = xmlOf(payload);
  const account = loopShare.open(tenant, 'rendering XML');
  for (;;) {
    const next = pieces.next();
    if (next.done) return next.value;
    const turn = loopShare.turn(account);
    if (turn) await turn;
  }
}

/** Renders a payload, and yields after each piece. */
function* xmlOf({ data }: { data: unknown }): Generator<void, string> {
  const count = { elements: 0 };
  return `<?xml version="1.0" encoding="UTF-8"?>${isLeaf(data) ? leaf('data', data) : yield* branch('data', data, count)}`;
}

const isLeaf = (value: unknown): boolean => typeof value !== 'object' || value === null || value instanceof ExactNumber;

function leaf(name: string, value: unknown): string {
  const { open, close } = tagOf(name);
  return value === null || value === undefined ? `<${open} nil="true"/>` : `<${open}>${escapeXml(String(value))}</${close}>`;
}

function* branch(name: string, value: unknown, count: { elements: number }): Generator<void, string> {
  const { open, close } = tagOf(name);
  let text = `<${open}>`;
  const entries = Array.isArray(value) ? value.entries() : Object.entries(value as object);
  for (const [key, item] of entries) {
    const itemName = typeof key === 'number' ? 'item' : key;
    text += isLeaf(item) ? leaf(itemName, item) : yield* branch(itemName, item, count);
    count.elements += 1;
    if (count.elements % PIECE === 0) yield;
  }
  return `${text}</${close}>`;
}

/** Names of GraphQL fields are valid element names. A key inside a JSON value may not be, and becomes `<entry key="…">`. */
function tagOf(name: string): { open: string; close: string } {
  if (/^[A-Za-z_][\w.-]*$/.test(name)) return { open: name, close: name };
  return { open: `entry key="${escapeXml(name)}"`, close: 'entry' };
}
