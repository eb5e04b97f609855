// Defines the scopes of a token, from the least to the greatest.

/** READ allows only reading, MANAGE_WEBHOOKS also managing webhooks, and ADMIN everything that the token's user may do. */
const LADDER = ['READ', 'MANAGE_WEBHOOKS', 'ADMIN'] as const;

export type Scope = (typeof LADDER)[number];

export function reaches(scope: Scope, needed: Scope): boolean {
  return LADDER.indexOf(scope) >= LADDER.indexOf(needed);
}
