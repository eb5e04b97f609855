// Rotates a shared secret: saves the new one, and lets the old one sign requests, too, until the overlap ends.

import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Actor, OldSecret } from '../base/model.js';
import { type Change, recordAudit } from '../base/store/audit.js';
import { isUuid } from '../base/store/page.js';
import { writeSecrets } from '../base/store/secrets.js';
import { loadUnsealed, lockSubscription, subscriptionsByIds } from '../base/store/subscriptions.js';
import { insideTransaction } from '../base/store/transaction.js';
import { publicKeyOf } from '../request/signatures/schemes.js';
import { checkSecret } from './save/check-draft.js';
import { insertVersion, isMistake, NOT_ALLOWED, NOT_FOUND, raiseVersion, type SaveResult } from './save.js';

const DEFAULT_OVERLAP_SECONDS = 24 * 60 * 60;
export const MAX_OVERLAP_SECONDS = 30 * 24 * 60 * 60;
/** Maximum number of old secrets that still sign, because each adds a signature to a header. */
const MAX_OLD_SECRETS = 3;

/**
 * Saves a new shared secret and lets the old one sign, too, until the overlap ends. Schemes that can send several signatures sign with
 * all secrets; the others sign with the oldest one. A receiver that gets the new secret within the overlap thus never rejects a request.
 * A further rotation doesn't change when earlier secrets stop signing. `overlapSeconds: 0` replaces the secret at once and deletes all old
 * ones; `null` means 24 hours. Mistakes are returned as problems.
 */
export async function rotateSecret(
  engine: Engine,
  actor: Actor,
  id: string,
  { sharedSecret, overlapSeconds }: { sharedSecret: string | null; overlapSeconds: number | null },
): Promise<SaveResult> {
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  if (!isUuid(id)) return refused(NOT_FOUND);
  const result = await insideTransaction(engine.pool, async (client) => {
    // Locks the subscription until the commit. A concurrent save waits, then finds a newer version and repeats its checks.
    await lockSubscription(client, actor, id);
    const before = await loadUnsealed(client, engine.vault, actor, id);
    if (!before) return [NOT_FOUND];
    const { subscription: was, secrets } = before;
    const overlap = overlapSeconds ?? DEFAULT_OVERLAP_SECONDS;
    const old = secrets.oldSecrets ?? [];
    const problems = [
      ...overlapProblems(overlap),
      ...(sharedSecret === null
        ? [{ field: 'sharedSecret', message: "can't be blank", type: 'BLANK' } satisfies Problem]
        : checkSecret(was.definition.signatures, sharedSecret)),
      ...rotationProblems(secrets.sharedSecret, old, sharedSecret, overlap),
    ];
    if (sharedSecret === null || secrets.sharedSecret === undefined || problems.some(isMistake)) return problems;
    const replaced: OldSecret = { secret: secrets.sharedSecret, version: was.version, endsAt: new Date(Date.now() + overlap * 1000) };
    const { oldSecrets: _, ...others } = secrets;
    const publicKey = publicKeyOf(was.definition.signatures, sharedSecret);
    await insertVersion(client, actor, id, was.version + 1, { ...was.definition, publicKey });
    await writeSecrets(client, engine.vault, id, secrets, {
      ...others,
      sharedSecret,
      ...(overlap > 0 && { oldSecrets: [replaced, ...old] }),
    });
    await raiseVersion(client, id);
    const message = overlap > 0 ? `The old secret signs, too, until ${replaced.endsAt.toISOString()}.` : 'The old secret no longer signs.';
    const changes: Change[] = [{ field: 'sharedSecret', before: null, after: null, secret: true }];
    if (publicKey !== was.definition.publicKey) changes.push({ field: 'publicKey', before: was.definition.publicKey, after: publicKey });
    await recordAudit(client, actor, [
      { subscriptionId: id, action: 'UPDATED', versionBefore: was.version, versionAfter: was.version + 1, changes, message },
    ]);
    return problems;
  });
  if (result.some(isMistake)) return refused(...result);
  return { subscription: (await subscriptionsByIds(engine.pool, actor, [id])).get(id) ?? null, problems: result };
}

const refused = (...problems: Problem[]): SaveResult => ({ subscription: null, problems });

function overlapProblems(seconds: number): Problem[] {
  const isFine = Number.isInteger(seconds) && seconds >= 0 && seconds <= MAX_OVERLAP_SECONDS;
  return isFine ? [] : [{ field: 'overlapSeconds', message: `is ${seconds}; give a number from 0 to ${MAX_OVERLAP_SECONDS} (30 days)` }];
}

function rotationProblems(current: string | undefined, old: OldSecret[], next: string | null, overlap: number): Problem[] {
  if (current === undefined)
    return [{ field: 'base', message: 'the subscription has no shared secret to rotate; set a secret with updateWebhookSubscription' }];
  if (next === current) return [{ field: 'sharedSecret', message: 'is already the current secret' }];
  if (overlap === 0) return [];
  if (old.some(({ secret }) => secret === next))
    return [
      { field: 'sharedSecret', message: 'is an old secret that still signs; to return to it at once, rotate with `overlapSeconds: 0`' },
    ];
  if (old.length < MAX_OLD_SECRETS) return [];
  const first = old.map(({ endsAt }) => endsAt).sort((a, b) => a.getTime() - b.getTime())[0] as Date;
  return [
    {
      field: 'base',
      message: `the subscription has ${old.length} old secrets that still sign, the first until ${first.toISOString()}; wait until then, or rotate with \`overlapSeconds: 0\``,
    },
  ];
}
