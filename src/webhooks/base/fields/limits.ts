// Declares the fields for a subscription's retry limits, its rate limit, and the recording of its bodies.
import type { Problem } from '../errors.js';
import { parseMaskPath } from '../recording/mask-path.js';
import { isStorable } from './check-values.js';
import type { Field } from './field.js';

export const MAX_MASKED_PATHS = 50;
export const MAX_MASKED_PATH_LENGTH = 256;

export const RETRY = {
  name: 'retry',
  type: {
    kind: 'RECORD',
    input: {
      typename: 'WebhookRetryInput',
      description:
        'Limits for the retries of a delivery. A delivery that reaches a limit fails, and the subscription stays enabled. The input replaces both limits.',
    },
    output: { typename: 'WebhookRetry', description: "A subscription's limits for the retries of a delivery." },
    fields: [
      {
        name: 'maxTimeMs',
        // The maximum is 90 days.
        type: { kind: 'INTEGER', least: 0, most: 90 * 24 * 60 * 60 * 1000 },
        description: 'The maximum number of milliseconds between the creation of a delivery and its last attempt. `null`: no limit.',
        option: {
          flags: '--max-time-ms <ms>',
          help: 'the maximum number of milliseconds between the creation of a delivery and its last attempt',
        },
      },
      {
        name: 'maxTries',
        type: { kind: 'INTEGER', least: 1, most: 100 },
        description: 'The maximum number of attempts of a delivery, including the first. `null`: 26, the first attempt and 25 retries.',
        option: { flags: '--max-tries <count>', help: 'the maximum number of attempts of a delivery, including the first' },
      },
    ],
  },
  description:
    'Limits for the retries of a delivery. Without them, a delivery is retried 25 times in about 21 days; when the last retry fails, the subscription is disabled.',
  output: { description: "The subscription's limits for the retries of a delivery. `null`: 25 retries in about 21 days." },
} as const satisfies Field;

export const RATE_LIMIT = {
  name: 'rateLimit',
  type: {
    kind: 'RECORD',
    input: {
      typename: 'WebhookRateLimitInput',
      description:
        'The maximum load for the receiver, over all workers. Notifications beyond it wait and are sent later. The input replaces both limits.',
    },
    output: { typename: 'WebhookRateLimit', description: 'The maximum load for a receiver, over all workers.' },
    fields: [
      {
        name: 'concurrency',
        type: { kind: 'INTEGER', least: 1, most: 200 },
        description: "The maximum number of requests in progress at the same time. `null`: only the installation's maximum applies.",
        option: { flags: '--max-concurrency <count>', help: 'the maximum number of requests in progress at the same time' },
      },
      {
        name: 'perSecond',
        type: { kind: 'NUMBER', least: 0.01, most: 1_000 },
        description: 'The maximum number of notifications a second. `null`: no maximum.',
        option: { flags: '--max-per-second <count>', help: 'the maximum number of notifications a second' },
      },
    ],
  },
  description: 'The maximum load for the receiver; only for the phase AFTER. `null`: as fast as the receiver accepts.',
  output: { description: 'The maximum load for the receiver, as the owner set it. `null`: as fast as the receiver accepts.' },
} as const satisfies Field;

export const RECORDING = {
  name: 'recording',
  type: {
    kind: 'RECORD',
    input: {
      typename: 'WebhookRecordingInput',
      description:
        'Settings for recording the bodies of requests and responses. They do not change what is sent. The input replaces all settings.',
    },
    output: { typename: 'WebhookRecording', description: 'Settings for recording the bodies of requests and responses.' },
    fields: [
      {
        name: 'bodies',
        type: { kind: 'BOOLEAN' },
        description: 'Whether bodies are recorded. Headers, sizes and the status are recorded in any case.',
        output: { required: true },
        default: true,
        option: { flags: '--no-record-bodies', help: 'do not record the bodies of requests and responses' },
      },
      {
        name: 'maskedPaths',
        type: { kind: 'LIST', of: { kind: 'TEXT' } },
        description:
          'Paths of values that are recorded as `[masked]` in JSON and XML bodies of requests and responses, such as `data.node.email`, `users[*].phone` or `**.token`. A body in which these values cannot be found is not recorded.',
        output: { description: 'Paths of values that are recorded as `[masked]`.', required: true },
        default: [],
        option: { flags: '--mask <path>', help: 'the path of a value to record as [masked], e.g. data.node.email; can be repeated' },
        check: maskedPathProblems,
      },
    ],
  },
  description: 'Settings for recording the bodies of requests and responses. `null`: bodies are recorded unchanged.',
  output: { description: 'How the bodies of requests and responses are recorded.', required: true },
  default: { bodies: true, maskedPaths: [] },
} as const satisfies Field;

function maskedPathProblems(paths: readonly string[]): Problem[] {
  const field = 'recording.maskedPaths';
  if (paths.length > MAX_MASKED_PATHS) return [{ field, message: `has ${paths.length} paths; the limit is ${MAX_MASKED_PATHS}` }];
  return paths.flatMap((path) => {
    if (path.length > MAX_MASKED_PATH_LENGTH)
      return [{ field, message: `has a path of ${path.length} characters; the limit is ${MAX_MASKED_PATH_LENGTH}` }];
    const parsed = isStorable(path)
      ? parseMaskPath(path)
      : { wrong: 'a path contains the character U+0000 or half of a surrogate pair, which cannot be stored' };
    return 'wrong' in parsed ? [{ field, message: parsed.wrong }] : [];
  });
}
