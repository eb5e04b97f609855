// Checks at a worker's start, and every minute, whether the capture triggers match the announced tables. Creates the missing triggers of
// new partitions.
import type { Pool } from 'pg';
import type { Logger } from '../../runtime/logger.js';
import { schemaOf } from '../../runtime/schema-name.js';
import type { CaptureFinding, NoticedFinding } from '../base/capture-finding.js';
import { WebhooksError } from '../base/errors.js';
import type { AnnouncedNode, Host } from '../base/model.js';
import { withOwnNode } from '../base/own-node.js';
import { attachParts } from './attach-parts.js';
import { type Comparison, compareCatalog } from './compare-catalog.js';
import { logFaults } from './log-faults.js';
import { readCatalog, readCatalogHash } from './read-catalog.js';
import { findSilencedWriters } from './silenced-writers.js';

export interface CaptureWatch {
  /**
   * Compares the database with the announced tables, and creates missing triggers of partitions and child tables.
   * @throws WebhooksError CAPTURE_OUT_OF_STEP with the differences (findings) that remain
   */
  requireMatch(): Promise<void>;
  /** Compares and repairs like `requireMatch`. Logs the findings if they have changed, and the errors that capture functions recorded. */
  check(): Promise<NoticedFinding[]>;
  /**
   * Returns the last findings, or new ones when those are older than a minute (five seconds while there are findings). Repairs and logs
   * nothing.
   */
  findings(): Promise<NoticedFinding[]>;
}

/** Milliseconds between two checks of the capture triggers. */
export const CHECK_MS = 60_000;
/** Maximum age of findings in milliseconds while there are any, so that a repair shows soon. */
const RECHECK_MS = 5_000;

/** Returns all current differences between the database and the announced tables, and changes nothing. */
export async function findOutOfStep(pool: Pool, nodes: AnnouncedNode[]): Promise<CaptureFinding[]> {
  const schema = schemaOf(pool);
  const all = withOwnNode(nodes, schema);
  return compareCatalog(all, await readCatalog(pool, tablesOf(all), schema), schema).findings;
}

/** Returns one error that lists all findings. */
export function outOfStep(findings: Pick<CaptureFinding, 'message' | 'hint'>[]): WebhooksError {
  const lines = new Set(findings.map(({ message, hint }) => `- ${message} ${hint}`));
  return new WebhooksError(
    'CAPTURE_OUT_OF_STEP',
    `The capture triggers do not match the announced tables:\n${[...lines].join('\n')}`,
    'Correct all of these, then start the worker again; `hookgraph check` lists what is left.',
  );
}

const tablesOf = (nodes: AnnouncedNode[]) => nodes.map(({ table }) => table);

interface CaptureWatchOptions {
  pool: Pool;
  host: Pick<Host, 'nodes' | 'announcementProblems'>;
  log: Logger;
  everyMs?: number;
}

export function createCaptureWatch({ pool, host, log, everyMs = CHECK_MS }: CaptureWatchOptions): CaptureWatch {
  const schema = schemaOf(pool);
  let known: { hash: string; comparison: Comparison } | null = null;
  let noticed: NoticedFinding[] = [];
  let checkedAt = Number.NEGATIVE_INFINITY;
  let reported = '';
  let comparing: Promise<Comparison> | null = null;

  async function compare(): Promise<Comparison> {
    const nodes = withOwnNode(host.nodes, schema);
    // The hash is read before the facts, so that the next comparison sees changes that happen between the two.
    const hash = await readCatalogHash(pool, tablesOf(nodes), schema);
    if (hash !== known?.hash) {
      const comparison = compareCatalog(nodes, await readCatalog(pool, tablesOf(nodes), schema), schema);
      comparison.findings.push(...announcementFindings(nodes, comparison.findings, (await host.announcementProblems?.()) ?? []));
      known = { hash, comparison };
    }
    const { comparison } = known as { comparison: Comparison };
    noticed = noticedAt(comparison.findings, noticed, new Date());
    checkedAt = performance.now();
    return comparison;
  }

  /** Concurrent calls share one comparison. */
  function compareOnce(): Promise<Comparison> {
    comparing ??= compare().finally(() => {
      comparing = null;
    });
    return comparing;
  }

  async function compareAndRepair(): Promise<void> {
    const { bare } = await compareOnce();
    if (bare.length > 0 && (await attachParts(pool, bare, log))) await compareOnce();
  }

  return {
    async requireMatch() {
      await compareAndRepair();
      if (noticed.length > 0) throw outOfStep(noticed);
      for (const { message, hint } of await findSilencedWriters(pool))
        log.warn({ finding: message, hint }, 'some changes of announced tables are not recorded, because of a setting of Postgres');
    },
    async check() {
      await compareAndRepair();
      reported = logFindings(log, noticed, reported);
      await logFaults(pool, tablesOf(withOwnNode(host.nodes, schema)), log);
      return noticed;
    },
    async findings() {
      const maxAgeMs = noticed.length > 0 ? Math.min(everyMs, RECHECK_MS) : everyMs;
      if (performance.now() - checkedAt >= maxAgeMs) await compareOnce();
      return noticed;
    },
  };
}

const nameOf = ({ table }: AnnouncedNode) => `${table.schema}.${table.name}`;

/**
 * Returns, as findings, the problems that the application itself reports about its announced types. Leaves out types that have another
 * finding.
 */
function announcementFindings(
  nodes: AnnouncedNode[],
  found: CaptureFinding[],
  problems: { typename: string; message: string; hint: string }[],
): CaptureFinding[] {
  return problems.flatMap(({ typename, message, hint }) => {
    const node = nodes.find((announced) => announced.typename === typename);
    if (!node || found.some((finding) => finding.typename === typename)) return [];
    return [{ kind: 'ANNOUNCEMENT' as const, typename, table: nameOf(node), loses: false, message, hint }];
  });
}

/** Adds to each finding the time at which this process first noticed it. `before` are the findings of the previous comparison. */
function noticedAt(findings: CaptureFinding[], before: NoticedFinding[], now: Date): NoticedFinding[] {
  return findings.map((finding) => ({
    ...finding,
    since: before.find(({ typename, message }) => typename === finding.typename && message === finding.message)?.since ?? now,
  }));
}

/** Logs the findings if they have changed since the last call. `reported` is the result of the last call: the messages, one per line. */
function logFindings(log: Logger, noticed: NoticedFinding[], reported: string): string {
  const now = noticed.map(({ message }) => message).join('\n');
  if (now === reported) return reported;
  if (noticed.length === 0) log.info({ mended: reported.split('\n') }, 'capture triggers match the announced tables again');
  else
    log.warn(
      { findings: noticed.map(({ since: _, ...finding }) => finding) },
      noticed.some(({ loses }) => loses)
        ? 'changes of announced tables are not recorded'
        : 'capture triggers do not match the announced tables; changes are still recorded',
    );
  return now;
}
