// Declares the fields of a before-hook: a subscription that is called while a write waits, and can refuse it.
import type { Before } from '../definition.js';
import type { Subscription } from '../model.js';
import type { EnumType, Field, MergeContext } from './field.js';

/** Milliseconds that a write waits for one before-hook: minimum, default and maximum. */
const HOOK_TIMEOUT_MS = { least: 100, usual: 2_000, most: 10_000 };

const PHASE_ENUM = {
  kind: 'ENUM',
  typename: 'WebhookPhase',
  description: 'When the receiver of a subscription is called: before or after a change is committed.',
  values: {
    AFTER: 'After the change is committed. This is the usual phase.',
    BEFORE:
      'Before a mutation of this API writes; the receiver can refuse the write. Other writes, such as cascades, raw SQL and background jobs, do not call the receiver.',
  },
} as const satisfies EnumType;

const ON_FAILURE_ENUM = {
  kind: 'ENUM',
  typename: 'WebhookFailurePolicy',
  description: 'Whether a write goes on when its before-hook cannot be called, fails, or takes too long.',
  values: {
    ALLOW: 'The write is allowed, and the failure is recorded.',
    REFUSE: 'The write is refused.',
  } satisfies Record<Before['onFailure'], string>,
} as const satisfies EnumType;

/** Returns the phase that the subscription has after this save: the given phase, otherwise the saved one. */
function phaseOf(given: unknown, { saved }: MergeContext): 'AFTER' | 'BEFORE' {
  const isBefore = given === undefined ? saved?.definition.before !== undefined : given === 'BEFORE';
  return isBefore ? 'BEFORE' : 'AFTER';
}

/**
 * Returns the `merge` function of a field that only before-hooks have. In the phase AFTER, that function returns the value of the input,
 * which the check then rejects.
 */
function ofHook<T>(name: 'onFailure' | 'timeoutMs', usual: T) {
  return (given: T | null | undefined, context: MergeContext): T | null => {
    if (phaseOf(context.input.phase, context) === 'AFTER') return given ?? null;
    return ((given === undefined ? context.saved?.definition.before?.[name] : given) as T | null | undefined) ?? usual;
  };
}

export const PHASE = {
  name: 'phase',
  type: PHASE_ENUM,
  description:
    'The phase in which the subscription is called. BEFORE: before a mutation of this API writes, so that the receiver can refuse the write; only for topics of created, updated and deleted nodes.',
  output: {
    description: 'The phase in which the subscription is called: before a write, or after its commit.',
    required: true,
    read: ({ definition }: Subscription) => (definition.before ? 'BEFORE' : 'AFTER'),
  },
  default: 'AFTER',
  merge: phaseOf,
  store: (phase: 'AFTER' | 'BEFORE', { onFailure, timeoutMs }: Readonly<Record<string, unknown>>) =>
    phase === 'BEFORE' ? { definition: { before: { onFailure, timeoutMs } as Before } } : {},
} as const satisfies Field;

export const ON_FAILURE = {
  name: 'onFailure',
  type: ON_FAILURE_ENUM,
  description: 'For the phase BEFORE: whether a write is allowed or refused when the receiver cannot be called, fails, or takes too long.',
  output: {
    description: 'Whether a write is allowed or refused when the before-hook fails. `null` for the phase AFTER.',
    read: ({ definition }: Subscription) => definition.before?.onFailure,
  },
  default: 'ALLOW',
  // The YAML file of a before-hook names the policy even if it is the default, so that its reader sees whether the hook can refuse writes.
  file: { write: ({ onFailure }) => onFailure },
  merge: ofHook<Before['onFailure']>('onFailure', 'ALLOW'),
  store: () => ({}),
} as const satisfies Field;

export const TIMEOUT_MS = {
  name: 'timeoutMs',
  type: { kind: 'INTEGER', least: HOOK_TIMEOUT_MS.least, most: HOOK_TIMEOUT_MS.most },
  description: 'For the phase BEFORE: the maximum number of milliseconds that a write waits for the receiver.',
  output: {
    description: 'The maximum number of milliseconds that a write waits for the before-hook. `null` for the phase AFTER.',
    read: ({ definition }: Subscription) => definition.before?.timeoutMs,
  },
  default: HOOK_TIMEOUT_MS.usual,
  file: { write: ({ timeoutMs }) => timeoutMs },
  merge: ofHook<number>('timeoutMs', HOOK_TIMEOUT_MS.usual),
  store: () => ({}),
} as const satisfies Field;
