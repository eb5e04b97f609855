// Validates a draft and returns every mistake and warning. Resolves the callback's host name; changes nothing.
import type { DocumentNode } from 'graphql';
import type { Engine } from '../../base/engine.js';
import type { Problem } from '../../base/errors.js';
import type { SignatureScheme, Topic } from '../../base/model.js';
import { announcedNode } from '../../base/own-node.js';
import { checkQuery } from '../../base/query/query.js';
import { parseMaskPath } from '../../base/recording/mask-path.js';
import { MAX_MASKED_PATH_LENGTH, MAX_MASKED_PATHS } from '../../base/recording/recording.js';
import { signatureProblems } from '../../request/signatures/schemes.js';
import { authProblems } from './auth.js';
import { checkTemplates } from './check-templates.js';
import type { Draft } from './input.js';

const MAX_NAME_LENGTH = 255;
export const MAX_SECRET_LENGTH = 1_024;
export const MAX_HEADERS = 32;
const MAX_HEADER_NAME_LENGTH = 128;
export const MAX_HEADER_VALUE_LENGTH = 4_096;
export const MAX_TRIES = 100;
export const RATE_LIMIT = { perSecond: { least: 0.01, most: 1_000 }, concurrency: { least: 1, most: 200 } };
export const MAX_TIME_MS = 90 * 24 * 60 * 60 * 1000;

/** Header names that Hookgraph or HTTP sets, that are hop-by-hop, or that a signature scheme uses. */
export const RESERVED_HEADERS = new Set(
  `connection content-digest content-encoding content-length content-type date expect host http2-settings keep-alive proxy-authenticate proxy-authorization
  proxy-connection signature signature-input te trailer transfer-encoding upgrade user-agent webhook-id webhook-signature webhook-timestamp
  x-servo-signature x-signature`.split(/\s+/),
);

/** Validates a draft. `tenant` is the tenant that trial renderings of its templates count against. */
export async function checkDraft(engine: Engine, tenant: string, draft: Draft, topic: Topic | null): Promise<Problem[]> {
  const { settings, host } = engine;
  const { definition } = draft;
  const problems: Problem[] = [
    ...unstorable(draft),
    ...headerProblems(draft, settings.headerPrefix),
    ...retryProblems(draft),
    ...rateLimitProblems(draft),
    ...recordingProblems(draft),
  ];
  if (draft.name !== null && draft.name.length > MAX_NAME_LENGTH) problems.push(tooLong('name', draft.name.length, MAX_NAME_LENGTH));
  if (definition.contentType !== 'JSON' && definition.contentType !== 'XML')
    problems.push({ field: 'contentType', message: 'must be JSON or XML' });
  problems.push(...secretProblems(definition.signatures, draft.sharedSecret));

  problems.push(...(await destinationProblems(engine, draft, tenant)));
  problems.push(...(await authProblems(draft.auth, draft.headers, engine.guard)));

  let document: DocumentNode | null = null;
  if (definition.query !== null) {
    const node = topic && announcedNode(host, topic.typename);
    const about = { node, ...(topic && { topicKey: topic.key }), pageArguments: host.pageArguments };
    const checked = checkQuery(host.schema(), definition.query, settings.queryLimits, about);
    if (checked.problems) problems.push(...checked.problems);
    else document = checked.document;
  }
  const shapeKnown = definition.query === null || document !== null;
  problems.push(...(await checkTemplates(engine, tenant, definition, shapeKnown ? { document, topic } : null)));
  return problems;
}

async function destinationProblems({ settings, guard }: Engine, draft: Draft, tenant: string): Promise<Problem[]> {
  const { definition, destinations, auth, headers, sharedSecret } = draft;
  const [first, second] = destinations;
  if (!first) return [{ field: 'callbackUrl', message: "can't be blank", type: 'BLANK' }];
  if (second) return [{ field: second.kind.field, message: `and ${first.kind.field} are given; there can be one of them` }];
  const { kind, draft: destination } = first;
  if (definition.before && kind.notBefore !== null) return [{ field: kind.field, message: `is for the phase AFTER: ${kind.notBefore}` }];
  const given = kind.isHttp ? {} : { auth: auth !== null, headers: headers.length > 0, sharedSecret: sharedSecret !== null };
  const idle = Object.entries(given).flatMap(([field, isGiven]): Problem[] =>
    isGiven ? [{ field, message: `is for a callbackUrl; ${kind.title} has its own ways` }] : [],
  );
  return [...idle, ...(await kind.check(destination, { installation: settings, guard, tenant }))];
}

/** Checks that a shared secret can be stored, and that the given schemes can sign with it. */
export function secretProblems(signatures: readonly SignatureScheme[], secret: string | null): Problem[] {
  if (secret === '') return [{ field: 'sharedSecret', message: "can't be empty; null removes it" }];
  if (secret !== null && secret.length > MAX_SECRET_LENGTH) return [tooLong('sharedSecret', secret.length, MAX_SECRET_LENGTH)];
  if (secret !== null && UNSTORABLE.test(secret)) return [{ field: 'sharedSecret', message: 'holds a character that is no text' }];
  return signatureProblems(signatures, secret);
}

/** Postgres text can't store NUL or an unpaired surrogate. */
const UNSTORABLE = /\0|\p{Surrogate}/u;

function unstorable({ name, definition, destinations }: Draft): Problem[] {
  const { query, validationTemplate, template, errorTemplate } = definition;
  const settings = Object.fromEntries(destinations.map(({ kind, draft }) => [kind.field, draft.settings]));
  const texts = { name, ...settings, query, validationTemplate, template, errorTemplate };
  return Object.entries(texts).flatMap(([field, text]) =>
    typeof text === 'string' && UNSTORABLE.test(text) ? [{ field, message: 'holds a character that is no text' }] : [],
  );
}

function headerProblems({ headers }: Draft, prefix: string): Problem[] {
  const problem = (message: string): Problem => ({ field: 'headers', message });
  if (headers.length > MAX_HEADERS) return [problem(`are ${headers.length}, more than ${MAX_HEADERS}`)];
  const seen = new Set<string>();
  return headers.flatMap(({ name, value }) => {
    const lower = name.toLowerCase();
    const told = JSON.stringify(name.slice(0, MAX_HEADER_NAME_LENGTH));
    // Syntax of a field name: https://www.rfc-editor.org/rfc/rfc9110#section-5.1
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || name.length > MAX_HEADER_NAME_LENGTH) return [problem(`${told} is no header name`)];
    if (RESERVED_HEADERS.has(lower) || lower.startsWith(prefix.toLowerCase()) || lower === '__proto__')
      return [problem(`${told} is reserved`)];
    if (seen.has(lower)) return [problem(`${told} is given twice`)];
    seen.add(lower);
    if (value === null || value === '') return [problem(`${told} has no value`)];
    if (value.length > MAX_HEADER_VALUE_LENGTH)
      return [problem(`${told} has a value of ${value.length} characters, more than ${MAX_HEADER_VALUE_LENGTH}`)];
    // The message must not contain the value, which is a secret.
    return /^[\t\u0020-\u007E]+$/.test(value)
      ? []
      : [problem(`${told} has a value with a line break or another character that no header holds`)];
  });
}

function retryProblems({ definition: { retry } }: Draft): Problem[] {
  const wrong = (field: string, value: number | null | undefined, least: number, most: number): Problem[] =>
    value == null || (Number.isInteger(value) && value >= least && value <= most)
      ? []
      : [{ field: `retry.${field}`, message: `is ${value}; it goes from ${least} to ${most}` }];
  return [...wrong('maxTries', retry?.maxTries, 1, MAX_TRIES), ...wrong('maxTimeMs', retry?.maxTimeMs, 0, MAX_TIME_MS)];
}

function rateLimitProblems({ definition: { rateLimit } }: Draft): Problem[] {
  const wrong = (field: keyof typeof RATE_LIMIT, isRight: (value: number) => boolean): Problem[] => {
    const value = rateLimit?.[field];
    const { least, most } = RATE_LIMIT[field];
    if (value == null || (isRight(value) && value >= least && value <= most)) return [];
    return [{ field: `rateLimit.${field}`, message: `is ${value}; it goes from ${least} to ${most}` }];
  };
  return [...wrong('perSecond', Number.isFinite), ...wrong('concurrency', Number.isInteger)];
}

function recordingProblems({ definition: { recording } }: Draft): Problem[] {
  const field = 'recording.maskedPaths';
  const paths = recording?.maskedPaths ?? [];
  if (paths.length > MAX_MASKED_PATHS) return [{ field, message: `are ${paths.length}, more than ${MAX_MASKED_PATHS}` }];
  return paths.flatMap((path) => {
    if (path.length > MAX_MASKED_PATH_LENGTH)
      return [{ field, message: `has one of ${path.length} characters, more than ${MAX_MASKED_PATH_LENGTH}` }];
    const parsed = /\0|\p{Surrogate}/u.test(path) ? { wrong: 'one holds a character that is no text' } : parseMaskPath(path);
    return 'wrong' in parsed ? [{ field, message: parsed.wrong }] : [];
  });
}

function tooLong(field: string, length: number, most: number): Problem {
  return { field, message: `has ${length} characters, more than ${most}` };
}
