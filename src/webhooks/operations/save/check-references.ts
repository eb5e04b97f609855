// Checks that a draft's integration and environments exist and belong to the tenant.
import { isDeepStrictEqual } from 'node:util';
import type { Engine } from '../../base/engine.js';
import type { Problem } from '../../base/errors.js';
import type { Owner } from '../../base/model.js';
import { keysWithin } from '../../base/store/announced-rows.js';
import type { Draft } from './input.js';

type Referring = Pick<Draft, 'integrationId' | 'environmentIds'>;

const MAX_ENVIRONMENTS = 100;

/**
 * Checks the new integration and environments. Skips unchanged ones, so that a subscription can be saved although its integration or
 * environment was deleted.
 */
export async function checkReferences(engine: Engine, owner: Owner, draft: Referring, before: Referring | null): Promise<Problem[]> {
  const { integrationId, environmentIds } = draft;
  const problems: Problem[] = [];
  if (integrationId !== null && integrationId !== before?.integrationId) {
    if ((await missingOf(engine, owner, engine.host.integrationType, [integrationId])).length > 0)
      problems.push({ field: 'integrationId', message: 'not found', type: 'NOT_FOUND' });
  }
  if (environmentIds !== null && !isDeepStrictEqual(environmentIds, before?.environmentIds)) {
    if (environmentIds.length > MAX_ENVIRONMENTS)
      return [
        ...problems,
        { field: 'environmentIds', message: `has ${environmentIds.length} environments; the limit is ${MAX_ENVIRONMENTS}` },
      ];
    const missing = await missingOf(engine, owner, engine.host.environmentType, environmentIds);
    if (missing.length > 0)
      problems.push({
        field: 'environmentIds',
        message: missing.length === 1 ? 'has an id that was not found' : `has ${missing.length} ids that were not found`,
        type: 'NOT_FOUND',
      });
  }
  return problems;
}

/** Returns the keys for which the tenant has no row of this node type. */
export async function missingOf({ pool, host }: Engine, owner: Owner, typename: string | undefined, keys: string[]): Promise<string[]> {
  const node = host.nodes.find((one) => one.typename === typename);
  const there = node ? await keysWithin(pool, node, host.nodes, owner.tenant, keys) : new Set<string>();
  return keys.filter((key) => !there.has(key));
}
