// Converts names of columns and types to GraphQL names.
import { camelCase } from './fields.js';

/** Converts a column's name to a GraphQL name, which may contain only letters, digits and `_`. */
export function fieldName(column: string): string {
  const name = camelCase(column).replace(/\W/g, '_');
  return /^[A-Za-z_]/.test(name) && !name.startsWith('__') ? name : `_${name}`;
}

export const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

export function plural(name: string): string {
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`;
  return /(s|x|z|ch|sh)$/.test(name) ? `${name}es` : `${name}s`;
}
