// Validates a draft and returns every mistake and warning. Resolves the callback's host name; changes nothing.
import type { DocumentNode } from 'graphql';
import type { Engine } from '../../base/engine.js';
import type { Problem } from '../../base/errors.js';
import { checkField, checkType } from '../../base/fields/check-values.js';
import { secretProblems } from '../../base/fields/signing.js';
import type { SignatureScheme, Topic } from '../../base/model.js';
import { announcedNode } from '../../base/own-node.js';
import { checkQuery } from '../../base/query/query.js';
import { signatureProblems } from '../../request/signatures/schemes.js';
import { checkTemplates } from './check-templates.js';
import { type Draft, ownFields } from './input.js';

/** Validates a draft. `tenant` is the tenant that trial renderings of its templates count against. */
export async function checkDraft(engine: Engine, tenant: string, draft: Draft, topic: Topic | null): Promise<Problem[]> {
  const { settings, host } = engine;
  const problems = [
    ...(await checkFields(engine, tenant, draft)),
    ...signaturesOf(draft),
    ...(await destinationProblems(engine, draft, tenant)),
  ];

  let document: DocumentNode | null = null;
  if (draft.query !== null) {
    const node = topic && announcedNode(host, topic.typename);
    const about = { node, ...(topic && { topicKey: topic.key }), pageArguments: host.pageArguments };
    const checked = checkQuery(host.schema(), draft.query, settings.queryLimits, about);
    if (checked.problems) problems.push(...checked.problems);
    else document = checked.document;
  }
  const shapeKnown = draft.query === null || document !== null;
  problems.push(...(await checkTemplates(engine, tenant, draft, shapeKnown ? { document, topic } : null)));
  return problems;
}

/** Checks each field by its declaration. */
async function checkFields(engine: Engine, tenant: string, draft: Draft): Promise<Problem[]> {
  const values: Record<string, unknown> = { ...draft };
  const context = { engine, tenant, values };
  return (await Promise.all(ownFields().map((field) => checkField(field, values[field.name], context)))).flat();
}

async function destinationProblems(engine: Engine, draft: Draft, tenant: string): Promise<Problem[]> {
  const { phase, destinations, auth, headers, sharedSecret } = draft;
  const [first, second] = destinations;
  if (!first) return [{ field: 'callbackUrl', message: "can't be blank", type: 'BLANK' }];
  if (second) return [{ field: second.kind.field, message: `and ${first.kind.field} are both given; give only one of them` }];
  const { kind, draft: destination } = first;
  if (phase === 'BEFORE' && kind.notBefore !== null)
    return [{ field: kind.field, message: `can be used only with the phase AFTER: ${kind.notBefore}` }];
  const given = kind.isHttp ? {} : { auth: auth !== null, headers: headers.length > 0, sharedSecret: sharedSecret !== null };
  const idle = Object.entries(given).flatMap(([field, isGiven]): Problem[] =>
    isGiven ? [{ field, message: `can be used only with a callbackUrl; ${kind.title} neither signs nor authenticates this way` }] : [],
  );
  const settings = typeof destination.settings === 'string' ? checkType({ kind: 'TEXT' }, destination.settings, kind.field) : [];
  return [...idle, ...settings, ...(await kind.check(destination, { installation: engine.settings, guard: engine.guard, tenant }))];
}

/** Checks that a shared secret can be stored, and that the given schemes can sign with it. */
export function checkSecret(signatures: readonly SignatureScheme[], secret: string | null): Problem[] {
  const problems = secretProblems(secret);
  return problems.length > 0 ? problems : signatureProblems(signatures, secret);
}

/** A secret that can't be stored is reported by its declaration alone. */
const signaturesOf = ({ signatures, sharedSecret }: Draft): Problem[] =>
  secretProblems(sharedSecret).length > 0 ? [] : signatureProblems(signatures, sharedSecret);
