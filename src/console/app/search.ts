// Validates search parameters, in which pages keep their filters.

/** Returns the parameter if it is one of the choices. */
export const oneOf = <T extends string>(value: unknown, choices: readonly T[]): T | undefined =>
  choices.includes(value as T) ? (value as T) : undefined;

/** Returns the parameter as text; `undefined` when it is empty. The router reads a text of digits as a number. */
export function text(value: unknown): string | undefined {
  const found = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
  return found === '' ? undefined : found;
}
