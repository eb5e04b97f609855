// Determines which parts of `event` the templates of a definition read, so that only these are loaded and checked for read permission.

export interface EventUse {
  /** The fields that templates read from `event.before` and `event.after`; `ALL` when the names are known only at rendering. */
  fields: readonly string[] | 'ALL';
}

const NONE: EventUse = { fields: [] };

/**
 * Returns the fields of `event` that these paths read; `null` when there are no paths.
 * @param paths names after `event`, at most two each, such as `['before', 'email']`; `[]` means the whole event
 */
export function eventUseOf(paths: readonly (readonly string[])[]): EventUse | null {
  if (paths.length === 0) return null;
  const rows = paths.filter(([part]) => part === undefined || part === 'before' || part === 'after');
  if (rows.length === 0) return NONE;
  if (rows.some((path) => path.length < 2)) return { fields: 'ALL' };
  return { fields: [...new Set(rows.map(([, field]) => field as string))] };
}

/** Whether the templates read `event.before` or `event.after`, so that the owner's read permissions must be checked. */
export const readsRows = ({ fields }: EventUse): boolean => fields === 'ALL' || fields.length > 0;
