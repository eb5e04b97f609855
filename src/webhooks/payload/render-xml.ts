// Renders the XML body of a subscription without a template, as docs/wire-formats.md#default-payload describes.

import { ExactNumber } from '../../runtime/exact-json.mjs';
import { escapeXml } from '../base/templates/rendering.mjs';

/** Renders `<?xml …?><data>…</data>`: keys become elements, lists repeat `<item>`, and null is an empty element with `nil="true"`. */
export const renderXml = (payload: { data: unknown }): string => `<?xml version="1.0" encoding="UTF-8"?>${element('data', payload.data)}`;

function element(name: string, value: unknown): string {
  // Names of GraphQL fields are valid element names. A key inside a JSON value may not be, and becomes `<entry key="…">`.
  const isName = /^[A-Za-z_][\w.-]*$/.test(name);
  const open = isName ? name : `entry key="${escapeXml(name)}"`;
  const close = isName ? name : 'entry';
  return value === null || value === undefined ? `<${open} nil="true"/>` : `<${open}>${content(value)}</${close}>`;
}

function content(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => element('item', item)).join('');
  if (typeof value === 'object' && value !== null && !(value instanceof ExactNumber))
    return Object.entries(value)
      .map(([key, item]) => element(key, item))
      .join('');
  return escapeXml(String(value));
}
