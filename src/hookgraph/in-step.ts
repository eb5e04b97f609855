// Says whether announcement and database are in step: to a worker that starts, and to who probes the API.
import { findOutOfStep, outOfStep, readiness, readinessAnswer, type Webhooks, WebhooksError } from '../webhooks/index.js';
import type { Announcement } from './announcement.js';

interface Parts {
  announcement: Announcement;
  webhooks: Webhooks;
}

/** Throws one error with the problems of the announcement and of what is recorded, but for parts of tables, which a worker mends itself. */
export async function refuseOutOfStep({ announcement, webhooks }: Parts): Promise<void> {
  const incomplete = await announcement.ready().then(
    () => null,
    (error: WebhooksError) => error,
  );
  if (incomplete && incomplete.code !== 'ANNOUNCEMENT_INCOMPLETE') throw incomplete;
  const { nodes, problems } = incomplete ? await announcement.inspect() : { nodes: announcement.nodes(), problems: [] };
  const told = problems.map(({ typename, message, hint }) => ({ message: `${typename}: ${message}`, hint }));
  const findings = (await findOutOfStep(webhooks.engine.pool, nodes)).filter(
    // Types that are announced by halves are among the problems, and those that depend on them seem wrong.
    ({ kind }) => kind !== 'PARTS' && !(incomplete && kind === 'TABLE'),
  );
  if (findings.length > 0) throw outOfStep([...told, ...findings]);
  if (incomplete) throw incomplete;
}

/** What `/readyz` answers. */
export async function readyAnswer({ announcement, webhooks }: Parts): Promise<{ status: number; body: object }> {
  try {
    await announcement.ready();
  } catch (error) {
    if (!(error instanceof WebhooksError)) return { status: 503, body: { status: 'the database does not answer' } };
    return { status: 503, body: { status: 'the announcement is wrong', problems: [error.message] } };
  }
  return readinessAnswer(await readiness(webhooks.engine));
}
