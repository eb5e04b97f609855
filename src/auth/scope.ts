// The scopes of a token, from the least to the greatest; what each of them reaches.

/** READ reads; MANAGE_WEBHOOKS also manages webhooks; ADMIN is all that the token's user may. */
const LADDER = ['READ', 'MANAGE_WEBHOOKS', 'ADMIN'] as const;

export type Scope = (typeof LADDER)[number];

export function reaches(scope: Scope, needed: Scope): boolean {
  return LADDER.indexOf(scope) >= LADDER.indexOf(needed);
}
