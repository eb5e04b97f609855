// Checks whether a process can serve: the database responds, is migrated, and records the changes of the announced tables.
import type { Engine } from '../base/engine.js';
import { readWorkers, type Workers } from '../base/store/workers.js';

export interface Readiness {
  isReady: boolean;
  status: string;
  /** Reasons why changes of announced tables are not recorded, each with advice. */
  problems: string[];
  /** Problems of triggers and tables that don't cause changes to be lost, each with advice. */
  warnings: string[];
  /** The workers of this installation; absent when the database doesn't answer. */
  workers?: Workers;
}

/** Milliseconds after which the database counts as unreachable, so that a readiness probe gets a response although a statement hangs. */
const ANSWER_WITHIN_MS = 3_000;

const unready = (status: string, problems: string[] = []): Readiness => ({ isReady: false, status, problems, warnings: [] });

/**
 * Checks readiness; never throws. A worker with a loop that is stuck or keeps failing is not ready. Whether changes are recorded is cached
 * for a minute, or for five seconds while there are problems.
 */
export async function readiness(engine: Engine): Promise<Readiness> {
  const stalled = engine.loops.states().filter(({ isStalled }) => isStalled);
  if (stalled.length > 0) {
    const problems = stalled.map(({ name, ageMs }) => `The loop ${name} has not completed for ${Math.round(ageMs / 1000)} s.`);
    return unready('the worker is stuck', problems);
  }
  const late = unready('the database does not answer');
  let timer: NodeJS.Timeout | undefined;
  const given = new Promise<Readiness>((resolve) => {
    timer = setTimeout(() => resolve(late), ANSWER_WITHIN_MS);
  });
  return Promise.race([examine(engine), given]).finally(() => clearTimeout(timer));
}

async function examine({ pool, log, capture }: Engine): Promise<Readiness> {
  try {
    const { rows } = await pool.query<{ there: boolean }>(`SELECT to_regclass('hookgraph.topics') IS NOT NULL AS there`);
    // A new database has an empty `topics` table until `migrate` attaches the triggers.
    const topics = rows[0]?.there
      ? (await pool.query<{ ready: boolean }>('SELECT EXISTS (SELECT FROM hookgraph.topics) AS ready')).rows[0]
      : null;
    if (!topics?.ready) return unready('not migrated');
    const workers = await readWorkers(pool);
    const findings = await capture.findings();
    const sentences = (loses: boolean) => [
      ...new Set(findings.filter((finding) => finding.loses === loses).map(({ message, hint }) => `${message} ${hint}`)),
    ];
    const [problems, warnings] = [sentences(true), sentences(false)];
    if (problems.length > 0) return { ...unready('changes are not recorded', problems), warnings, workers };
    return { isReady: true, status: 'ready', problems, warnings, workers };
  } catch (error) {
    log.warn({ error }, 'the readiness check failed');
    return unready('the database does not answer');
  }
}

/** Builds the response of `/readyz`. */
export function readinessAnswer({ isReady, status, problems, warnings, workers }: Readiness): {
  status: 200 | 503;
  body: Record<string, unknown>;
} {
  const details = { ...(problems.length > 0 && { problems }), ...(warnings.length > 0 && { warnings }), ...(workers && { workers }) };
  return { status: isReady ? 200 : 503, body: { status, ...details } };
}
