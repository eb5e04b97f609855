// Validates the phase of a draft. A subscription of the phase BEFORE is a before-hook: it is called before a write and can refuse it.
import { withArticle } from '../../../runtime/article.js';
import type { Engine } from '../../base/engine.js';
import type { Problem } from '../../base/errors.js';
import type { Owner, Topic } from '../../base/model.js';
import { announcedNode, decidingRows } from '../../base/own-node.js';
import type { Draft } from './input.js';

/** Maximum number of before-hooks per topic and tenant, because each write waits for all of them. */
export const MAX_HOOKS = 10;

type PhasedDraft = Pick<
  Draft,
  'phase' | 'onFailure' | 'timeoutMs' | 'retry' | 'rateLimit' | 'coalescing' | 'ordering' | 'numbered' | 'skipUnread' | 'relatedChanges'
>;

/**
 * Checks the phase and its settings. `id`: the subscription that is changed, which doesn't count towards MAX_HOOKS; `null` for a new one.
 */
export async function checkPhase(
  engine: Engine,
  owner: Owner,
  draft: PhasedDraft,
  topic: Topic | null,
  id: string | null,
): Promise<Problem[]> {
  if (draft.phase === 'AFTER')
    return Object.entries({ onFailure: draft.onFailure, timeoutMs: draft.timeoutMs }).flatMap(([field, value]) =>
      value === null ? [] : [{ field, message: 'can be used only with the phase BEFORE' }],
    );
  const problems = onlyAfter(draft);
  if (!topic) return problems;
  const node = announcedNode(engine.host, topic.typename);
  const deciding = node && decidingRows(node);
  if (topic.isLifecycle)
    problems.push({
      field: 'phase',
      message: `can't be BEFORE for ${topic.key}: only created, updated and deleted topics of a node type can have before-hooks`,
    });
  else if (engine.host.gatedTypes?.has(topic.typename) === false)
    problems.push({
      field: 'phase',
      message: `can't be BEFORE: this application calls no before-hooks for writes of ${topic.typename}; use AFTER`,
    });
  else if (deciding)
    problems.push({
      field: 'phase',
      message: `can't be BEFORE: rows of ${deciding.typename} decide the tenant of ${withArticle(topic.typename)}, which is known only after the commit; use AFTER`,
    });
  else if ((await countHooks(engine, owner, topic, id)) >= MAX_HOOKS)
    problems.push({ field: 'phase', message: `can't be BEFORE: your organization already has ${MAX_HOOKS} before-hooks for ${topic.key}` });
  return problems;
}

/** Finds the options that are only for notifications after a write. */
function onlyAfter({ retry, coalescing, ordering, numbered, skipUnread, relatedChanges, rateLimit }: PhasedDraft): Problem[] {
  const problems: Problem[] = [];
  if (retry !== null)
    problems.push({
      field: 'retry',
      message: 'can not be used with the phase BEFORE: a before-hook is never retried, because a write waits for it',
    });
  if (coalescing === 'NONE')
    problems.push({
      field: 'coalescing',
      message: 'can not be NONE with the phase BEFORE: a before-hook is called once for each row that a write changes',
    });
  if (ordering !== 'NONE')
    problems.push({
      field: 'ordering',
      message: `can not be ${ordering} with the phase BEFORE: a before-hook is called at once, because a write waits for it`,
    });
  if (numbered)
    problems.push({ field: 'numbered', message: 'can not be used with the phase BEFORE: only notifications after a write are numbered' });
  if (skipUnread)
    problems.push({ field: 'skipUnread', message: 'can not be used with the phase BEFORE: a before-hook is asked about each write' });
  if (relatedChanges)
    problems.push({
      field: 'relatedChanges',
      message: 'can not be used with the phase BEFORE: a before-hook is asked about writes of the node',
    });
  if (rateLimit !== null)
    problems.push({
      field: 'rateLimit',
      message: 'can not be used with the phase BEFORE: a before-hook is called at once, because a write waits for it',
    });
  return problems;
}

async function countHooks({ pool }: Engine, { tenant }: Owner, topic: Topic, besidesId: string | null): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM hookgraph.subscriptions
     WHERE phase = 'BEFORE' AND deleted_at IS NULL AND tenant = $1 AND topic_id = $2 AND id IS DISTINCT FROM $3`,
    [tenant, topic.id, besidesId],
  );
  return rows[0]?.count ?? 0;
}
