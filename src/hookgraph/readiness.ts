// Checks that the announced tables and the database agree, before a worker starts and for readiness probes.
import { findOutOfStep, outOfStep, readiness, readinessAnswer, type Webhooks, WebhooksError } from '../webhooks/index.js';
import type { Announcement } from './announcement.js';

interface Parts {
  announcement: Announcement;
  webhooks: Webhooks;
}

/**
 * Refuses to start a worker while triggers don't record the changes of the announced tables. Ignores partitions without
 * triggers (findings of kind PARTS), because a worker attaches triggers to partitions itself.
 * @throws WebhooksError when a worker must not start; it lists all problems of the announced tables and of the triggers
 */
export async function refuseOutOfStep({ announcement, webhooks }: Parts): Promise<void> {
  const incomplete = await announcement.ready().then(
    () => null,
    (error: WebhooksError) => error,
  );
  if (incomplete && incomplete.code !== 'ANNOUNCEMENT_INCOMPLETE') throw incomplete;
  const { nodes, problems } = incomplete ? await announcement.inspect() : { nodes: announcement.nodes(), problems: [] };
  const announced = problems.map(({ typename, message, hint }) => ({ message: `${typename}: ${message}`, hint }));
  const findings = (await findOutOfStep(webhooks.engine.pool, nodes)).filter(
    // A finding of kind TABLE (a table is missing or was replaced) may only be a consequence of the problems in `announced`.
    ({ kind }) => kind !== 'PARTS' && !(incomplete && kind === 'TABLE'),
  );
  if (findings.length > 0) throw outOfStep([...announced, ...findings]);
  if (incomplete) throw incomplete;
}

/** Returns the response of `/readyz`. */
export async function readyAnswer({ announcement, webhooks }: Parts): Promise<{ status: number; body: object }> {
  try {
    await announcement.ready();
  } catch (error) {
    if (!(error instanceof WebhooksError)) return { status: 503, body: { status: 'the database does not answer' } };
    return { status: 503, body: { status: 'the announced tables have problems', problems: [error.message] } };
  }
  return readinessAnswer(await readiness(webhooks.engine));
}
