// A payload -> the XML body of a subscription without a template (contracts, section 1).
import { escapeXml } from '../base/templates/rendering.mjs';

/** `<?xml …?><data>…</data>`: a key is an element, a list repeats `<item>`, null is an empty element with `nil="true"`. */
export const renderXml = (payload: { data: unknown }): string => `<?xml version="1.0" encoding="UTF-8"?>${element('data', payload.data)}`;

function element(name: string, value: unknown): string {
  // GraphQL's names are XML names; a key of a JSON scalar may not be one and then stands in an attribute.
  const isName = /^[A-Za-z_][\w.-]*$/.test(name);
  const open = isName ? name : `entry key="${escapeXml(name)}"`;
  const close = isName ? name : 'entry';
  return value === null || value === undefined ? `<${open} nil="true"/>` : `<${open}>${content(value)}</${close}>`;
}

function content(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => element('item', item)).join('');
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([key, item]) => element(key, item))
      .join('');
  return escapeXml(String(value));
}
