// Changes how long the actor's organization keeps history: never longer than the installation does.
import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Actor } from '../base/model.js';
import { DEFAULT_RETENTION } from '../base/store/retention-limits.js';
import { type Kind, saveTenantRetention, type TenantRetention } from '../base/store/tenant-retention.js';
import { NOT_ALLOWED } from './save.js';

export type { TenantRetention } from '../base/store/tenant-retention.js';

export interface SavedRetention {
  problems: Problem[];
  /** The days of each kind after the change; `null` when there are mistakes. */
  retention: TenantRetention | null;
}

/** The installation's days of each kind; `null`: without limit. */
export const installationRetention = ({ settings }: Engine): TenantRetention => ({ ...DEFAULT_RETENTION, ...settings.retention });

/** The name of each kind in the input. */
const FIELDS: Record<Kind, string> = { bodies: 'bodyDays', attempts: 'attemptDays', errors: 'errorDays', events: 'eventDays' };

/** @param changed days by kind; `null`: as long as the installation; absent kinds stay as they are */
export async function keepHistory(engine: Engine, actor: Actor, changed: Partial<TenantRetention>): Promise<SavedRetention> {
  if (!actor.canManageWebhooks) return { problems: [NOT_ALLOWED], retention: null };
  const limits = installationRetention(engine);
  const problems = (Object.entries(changed) as [Kind, number | null][]).flatMap(([kind, days]): Problem[] => {
    const most = limits[kind];
    if (days === null) return [];
    if (days < 1) return [{ field: FIELDS[kind], message: 'must be 1 or more' }];
    if (most !== null && days > most)
      return [{ field: FIELDS[kind], message: `must be ${most} or less, because the installation keeps it no longer` }];
    return [];
  });
  if (problems.length > 0) return { problems, retention: null };
  return { problems: [], retention: await saveTenantRetention(engine.pool, actor, changed) };
}
