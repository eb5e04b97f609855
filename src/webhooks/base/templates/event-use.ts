// Tells what the templates of a definition read of `event`, so that no more of it is loaded or asked about as the owner.

export interface EventUse {
  /** Fields of `event.before` and `event.after`; ALL: which ones is known only when the templates run. */
  fields: readonly string[] | 'ALL';
}

const NONE: EventUse = { fields: [] };

/** @param paths what render processes found: see eventPaths in liquid.mjs. `null`: nothing is read. */
export function eventUseOf(paths: readonly (readonly string[])[]): EventUse | null {
  if (paths.length === 0) return null;
  const rows = paths.filter(([part]) => part === undefined || part === 'before' || part === 'after');
  if (rows.length === 0) return NONE;
  if (rows.some((path) => path.length < 2)) return { fields: 'ALL' };
  return { fields: [...new Set(rows.map(([, field]) => field as string))] };
}

/** Whether it matters which fields the owner may read. */
export const readsRows = ({ fields }: EventUse): boolean => fields === 'ALL' || fields.length > 0;
