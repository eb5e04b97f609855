// Validates a draft and returns every mistake and warning. Looks up the host name of the callback URL. Changes nothing.
import type { DocumentNode } from 'graphql';
import type { Engine } from '../../base/engine.js';
import type { Problem } from '../../base/errors.js';
import { checkField } from '../../base/fields/check-values.js';
import { secretProblems, spaceWarnings } from '../../base/fields/signing.js';
import type { Definition, SignatureScheme, Topic } from '../../base/model.js';
import { announcedNode } from '../../base/own-node.js';
import { checkQuery } from '../../base/query/query.js';
import type { DestinationKind } from '../../destinations/kind.js';
import { DESTINATIONS } from '../../destinations/registry.js';
import { FIELDS } from '../../fields.js';
import { signatureProblems } from '../../request/signatures/schemes.js';
import { checkTemplates } from './check-templates.js';
import type { Draft } from './input.js';
import { checkRelated } from './related-changes.js';

/**
 * Validates a draft. `tenant`: the tenant whose share of the render processes the trial renderings use. `saved`: the definition before the
 * change; `null` for a new subscription.
 */
export async function checkDraft(
  engine: Engine,
  tenant: string,
  draft: Draft,
  topic: Topic | null,
  saved: Definition | null,
): Promise<Problem[]> {
  const { settings, host } = engine;
  const problems = [...(await checkFields(engine, tenant, draft)), ...signaturesOf(draft)];

  let document: DocumentNode | null = null;
  if (draft.query !== null) {
    const node = topic && announcedNode(host, topic.typename);
    const about = { node, ...(topic && { topicKey: topic.key }), pageArguments: host.pageArguments };
    const checked = checkQuery(host.schema(), draft.query, settings.queryLimits, about);
    if (checked.problems) problems.push(...checked.problems);
    else document = checked.document;
  }
  const shapeKnown = draft.query === null || document !== null;
  if (topic && shapeKnown) problems.push(...checkRelated(engine, draft.relatedChanges, topic, document));
  problems.push(...(await checkTemplates(engine, tenant, draft, shapeKnown ? { document, topic } : null, saved)));
  return problems;
}

/** Checks each field as its declaration says, and checks that exactly one destination is given. */
async function checkFields(engine: Engine, tenant: string, draft: Draft): Promise<Problem[]> {
  const values: Record<string, unknown> = { ...draft };
  const context = { engine, tenant, values };
  const [first, second] = DESTINATIONS.filter(({ field }) => values[field.name] != null);
  const unfit = first && !second ? misfits(first, values) : [];
  // Skips the checks of the destinations when their choice is a mistake: several are given, or a before-hook can't use the given one.
  const checked = FIELDS.filter((field) => !field.destination || (!second && !unfit.some((problem) => problem.field === field.name)));
  const problems = (await Promise.all(checked.map((field) => checkField(field, values[field.name], context)))).flat();
  problems.push(...unfit);
  if (!first) problems.push({ field: 'callbackUrl', message: "can't be blank", type: 'BLANK' });
  if (first && second)
    problems.push({ field: second.field.name, message: `and ${first.field.name} are both given; give only one of them` });
  return problems;
}

/** The fields that apply to HTTP requests only. */
const OF_REQUESTS = ['auth', 'headers', 'sharedSecret'];

/**
 * Returns a problem if this kind of destination can't be used for a before-hook, and for each given field that it can't be combined with,
 * e.g. `headers` with an SQS queue.
 */
function misfits({ field, title, notBefore, isHttp }: DestinationKind, values: Record<string, unknown>): Problem[] {
  if (notBefore !== null && values.phase === 'BEFORE')
    return [{ field: field.name, message: `can be used only with the phase AFTER: ${notBefore}` }];
  if (isHttp) return [];
  const isGiven = (value: unknown) => value != null && !(Array.isArray(value) && value.length === 0);
  const idle = OF_REQUESTS.filter((name) => isGiven(values[name]));
  return idle.map((name) => ({
    field: name,
    message: `can be used only with a callbackUrl, not with ${title}`,
  }));
}

/** Checks that a shared secret can be stored, and that the given signature schemes can sign with it. */
export function checkSecret(signatures: readonly SignatureScheme[], secret: string | null): Problem[] {
  const problems = secretProblems(secret);
  return problems.length > 0 ? problems : [...signatureProblems(signatures, secret), ...spaceWarnings('sharedSecret', secret)];
}

/** Checks that the schemes can sign with the secret. A secret that can't be stored is reported by the check of its field instead. */
const signaturesOf = ({ signatures, sharedSecret }: Draft): Problem[] =>
  secretProblems(sharedSecret).length > 0 ? [] : signatureProblems(signatures, sharedSecret);
