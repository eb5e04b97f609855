// Calls the before-hooks (subscriptions that may refuse a write) of one changed row concurrently, each within its own timeout. Records the
// calls, and returns the refusals.

import { LATE, within } from '../runtime/time-limit.js';
import type { Engine } from './base/engine.js';
import { HostFailed } from './base/errors.js';
import { OWNER_GONE } from './base/owner-gone.js';
import { openContext } from './base/recall.js';
import { logRuleChanges } from './base/rule-log.js';
import { createDefinitions, type Prepared } from './definitions.js';
import type { Change } from './gate/change.js';
import { type Hook, mayCall } from './gate/find-hooks.js';
import { readCancel } from './gate/read-cancel.js';
import type { Refusal } from './gate/write-refused.js';
import { type DeliverySender, openDeliverySender } from './send-delivery.js';
import { type Ended, onlyAttempt, runStages } from './stages.js';
import { type AttemptRecord, AttemptStart } from './verdict/attempt-record.js';
import { type EndedRecord, recordEnded } from './verdict/record-ended.js';
import { writeAttempts } from './verdict/write-attempts.js';

export interface AskHooks {
  ask(hooks: Hook[], change: Change): Promise<Refusal[]>;
  close(): Promise<void>;
}

interface Answered {
  hook: Hook;
  attempt: AttemptRecord;
  /** The receiver's reason for refusing the write; `null` when it doesn't refuse. */
  cancel: string | null;
  /** Whether the user who owns the hook no longer exists, so that the hook's query can't run with that user's rights. */
  ownerGone: boolean;
}

/** Maximum number of compiled hooks (parsed query, templates and destination) to cache; one more clears the cache. */
const MAX_COMPILED = 1_000;

export function createAskHooks(engine: Engine, { greatestCache = MAX_COMPILED } = {}): AskHooks {
  const definitions = createDefinitions(engine, { maxCompiled: greatestCache, includesDisabled: true });
  let sender: DeliverySender | undefined;
  return {
    async ask(hooks, change) {
      if (hooks.length === 0) return [];
      sender ??= openDeliverySender(engine);
      const { send } = sender;
      const prepared = await definitions.prepare(hooks);
      for (const definition of prepared.values()) if ('failed' in definition) throw definition.failed;
      const asked = await Promise.all(hooks.map((hook) => askOne(engine, hook, prepared.get(hook.subscriptionId), change, send)));
      const answers = asked.filter((answer) => answer !== null);
      // Records the calls before the caller commits its write, so that no committed write lacks the records of its hooks.
      await recordEnded(
        engine,
        answers.map((answer) => toRecord(answer, prepared.get(answer.hook.subscriptionId))),
      );
      await disableOrphans(engine, answers);
      return answers.flatMap(refusalOf);
    },
    close: async () => sender?.close(),
  };
}

/** Calls one hook. Returns `null` when it was disabled before the request was sent. */
async function askOne(
  engine: Engine,
  hook: Hook,
  definition: Prepared | undefined,
  change: Change,
  send: DeliverySender['send'],
): Promise<Answered | null> {
  const { timeoutMs: limitMs } = hook.policy;
  const start = startOf(hook, definition, change);
  const failed = (stage: 'QUERY' | 'CONNECT' | 'TIMEOUT', message: string, isOwnerGone = false): Answered => {
    return { hook, attempt: start.end('FAILED', stage, message), cancel: null, ownerGone: isOwnerGone };
  };
  if (!definition || !('document' in definition))
    return failed(
      'QUERY',
      definition && 'broken' in definition ? definition.broken : 'The subscription could not be loaded; the log says why.',
    );
  try {
    const context = await within(limitMs, engine.host.contextFor(definition.owner));
    if (context === LATE) return failed('TIMEOUT', `The payload was not ready within ${limitMs / 1000} seconds.`);
    if (context === null) return failed('QUERY', OWNER_GONE.message, true);
    const ended = await runStages(engine, definition, {
      start,
      send,
      sources: () => ({
        open: (overlay) => openContext(engine.host, context, overlay),
        overlay: [change.snapshot],
        event: change.event,
      }),
      circumstances: onlyAttempt,
      isFinal: (answer) => readCancel(answer) !== null,
      limitMs,
      maySend: mayCall(engine.pool, hook),
    });
    return ended && answered(hook, ended);
  } catch (error) {
    // An internal error counts as a failed call, so the hook's `onFailure` policy decides whether the write is refused.
    engine.log.error(
      { err: error, subscriptionId: hook.subscriptionId },
      'calling a before-hook failed with an internal error; its onFailure policy decides',
    );
    return failed(
      start.timings.renderMs === undefined ? 'QUERY' : 'CONNECT',
      error instanceof HostFailed ? error.shown : 'Calling the before-hook failed with an internal error of Hookgraph.',
    );
  }
}

function answered(hook: Hook, { attempt, answer }: Ended): Answered {
  const cancel = answer && readCancel(answer);
  if (cancel === null) return { hook, attempt, cancel, ownerGone: false };
  return { hook, attempt: { ...attempt, message: `The receiver refused the write: ${cancel}` }, cancel, ownerGone: false };
}

function startOf(hook: Hook, definition: Prepared | undefined, { key, tenant, snapshot }: Change): AttemptStart {
  const { deliveryId: id, subscriptionId, version, topicKey } = hook;
  const known = definition && 'document' in definition ? definition : null;
  return new AttemptStart(known ?? { subscriptionId, version, owner: { tenant: tenant as string }, topic: { key: topicKey } }, {
    id,
    eventId: null,
    replayId: null,
    kind: 'BEFORE',
    typename: snapshot.typename,
    nodeKey: key,
    attemptCount: 0,
  });
}

const isFailure = ({ attempt }: Answered): boolean => attempt.outcome === 'FAILED' || attempt.outcome === 'HELD';

/**
 * Whether the answer refuses the write. If the hook's owner no longer exists, a failed call never refuses it, because nobody could correct
 * the hook.
 */
const refuses = (answer: Answered): boolean =>
  answer.cancel !== null || (isFailure(answer) && !answer.ownerGone && answer.hook.policy.onFailure === 'REFUSE');

function refusalOf(answer: Answered): Refusal[] {
  if (!refuses(answer)) return [];
  const { hook, cancel, attempt } = answer;
  const who = `the webhook subscription ${JSON.stringify(hook.name ?? hook.subscriptionId)}`;
  if (cancel !== null) return [{ type: 'CANCELLED', message: `refused by ${who}: ${cancel}` }];
  // The message names the failed stage only: the failure's details are for the hook's owner, who may not be the writer.
  return [
    {
      type: 'HOOK_FAILED',
      message: `refused, because the call to ${who} failed (stage ${attempt.stage}); try again later, or ask the owner of the subscription to correct it`,
    },
  ];
}

function toRecord(answer: Answered, definition: Prepared | undefined): EndedRecord {
  const attempt = recorded(answer, definition);
  const skipped = attempt.outcome === 'SKIPPED' ? 'VALIDATION' : null;
  const reason = refuses(answer) ? 'REFUSED' : isFailure(answer) ? 'ALLOWED' : skipped;
  return { topicId: answer.hook.topicId, reason, attempt };
}

/**
 * Returns the attempt in its recorded form, in which the subscription's settings may mask or omit values. The writer still gets the
 * unmasked reason.
 */
function recorded({ attempt, cancel }: Answered, definition: Prepared | undefined): AttemptRecord {
  const kept = definition && 'recorder' in definition ? (definition.recorder?.(attempt) ?? attempt) : attempt;
  return cancel !== null && kept.response?.body === null
    ? { ...kept, message: 'The receiver refused the write; the reason is not recorded.' }
    : kept;
}

async function disableOrphans({ pool, log, meter }: Engine, answers: Answered[]): Promise<void> {
  const orphans = answers.filter(({ ownerGone }) => ownerGone);
  if (orphans.length === 0) return;
  // Only `disable` has an effect: a before-hook's delivery is never queued, so it has no lease to end and no state to change.
  const effect = { token: '0', next: null, attempt: null, disable: OWNER_GONE };
  const disabled = await writeAttempts(
    pool,
    orphans.map(({ hook: { deliveryId, subscriptionId } }) => ({ deliveryId, subscriptionId, ...effect })),
  );
  for (const { rule } of disabled) meter.disabled(rule);
  logRuleChanges(log, 'disabled', disabled, new Map());
}
