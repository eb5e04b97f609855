// The engine's problems -> what a payload's `errors` and `warnings` say.

import type { UserError, UserErrorRef } from '../sample/graph/user-error.js';
import type { Problem } from '../webhooks/index.js';

export interface Answered {
  /** `path`: where the field is, if not below that of the input. */
  problems: (Problem & { path?: string[] })[];
  /** Where the input is in the arguments. */
  path: string[];
}

/** The options of a payload's `errors`. */
export function errorsOf(userError: UserErrorRef, description: string) {
  return listOf(userError, description, false);
}

/** The options of a payload's `warnings`. */
export function warningsOf(userError: UserErrorRef, description: string) {
  return listOf(userError, description, true);
}

function listOf(userError: UserErrorRef, description: string, warnings: boolean) {
  return {
    type: [userError] as [UserErrorRef],
    nullable: { list: false as const, items: false as const },
    description,
    resolve: ({ problems, path }: Answered) => told(problems, path, warnings),
  };
}

function told(problems: Answered['problems'], path: string[], warnings: boolean): UserError[] {
  return problems
    .filter(({ severity }) => (severity === 'warning') === warnings)
    .map(({ field, message, type, path: own }) => ({
      field,
      message,
      type: type ?? 'INVALID',
      path: own ?? (field === 'base' ? path : [...path, ...field.split('.')]),
    }));
}
