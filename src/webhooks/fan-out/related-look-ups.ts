// Runs the look-ups of a step in the host's tables, part by part, so that a change or a table whose look-up fails doesn't affect others.
import type { PoolClient } from 'pg';
import type { AnnouncedNode } from '../base/model.js';
import { type FoundNode, findRelated } from '../base/store/related-rows.js';
import type { LookUp } from './related.js';
import { type Left, LONGEST_PAUSE_MS } from './related-queue.js';

/** Maximum number of changes in one statement. */
const PART = 500;
/** Milliseconds after which Postgres ends a look-up, and after which a path's further changes are left to the next step. */
const LOOK_UP_MS = 2_000;
/** A path counts as failing after this number of consecutive failed look-ups for single changes. */
const FAILED_IN_A_ROW = 3;
const FIRST_PAUSE_MS = 1_000;

/** The state of a path, as far as this process knows it. */
interface PathState {
  /** The number of changes that the next statement looks up. */
  size: number;
  /** Milliseconds of the path's last pause; 0 after a success. */
  pauseMs: number;
  /** When the pause ends, by `performance.now()`. */
  untilMs: number;
}

type Item = LookUp['changes'][number];

export interface LookedUp {
  found: { item: Item; node: FoundNode }[];
  left: Left[];
  /** The error of the last statement for a single change. */
  error: unknown;
}

export class LookUps {
  private readonly states = new Map<string, PathState>();

  /**
   * Finds the nodes of as many changes as succeed in time. A statement that fails is tried again with half of its changes, down to one
   * change. Each success doubles the number of changes in the next statement.
   */
  async run(client: PoolClient, nodes: AnnouncedNode[], { typename, path, name, changes }: LookUp): Promise<LookedUp> {
    const state = this.states.get(name) ?? { size: PART, pauseMs: 0, untilMs: 0 };
    this.states.set(name, state);
    const result: LookedUp = { found: [], left: [], error: null };
    const leave = (items: readonly Item[], failed: boolean, pauseMs = 0) => {
      for (const { change } of items) result.left.push({ change, path: name, failed, pauseMs });
    };
    const endMs = performance.now() + LOOK_UP_MS;
    let failedInARow = 0;
    for (let at = 0; at < changes.length; ) {
      const nowMs = performance.now();
      if (nowMs < state.untilMs || nowMs > endMs) {
        leave(changes.slice(at), false, Math.max(0, state.untilMs - nowMs));
        break;
      }
      const part = changes.slice(at, at + state.size);
      const rows = part.map(({ change: { tenant }, row }) => ({ tenant, row }));
      const found = await orError(client, () => findRelated(client, nodes, { typename, relations: path.relations }, rows));
      if ('nodes' in found) {
        for (const node of found.nodes) result.found.push({ item: part[node.index] as Item, node });
        at += part.length;
        failedInARow = 0;
        Object.assign(state, { size: Math.min(state.size * 2, PART), pauseMs: 0 });
        continue;
      }
      state.size = Math.ceil(part.length / 2);
      if (part.length > 1) continue;
      leave(part, true);
      result.error = found.error;
      at += 1;
      failedInARow += 1;
      if (failedInARow < FAILED_IN_A_ROW) continue;
      state.pauseMs = Math.min(Math.max(FIRST_PAUSE_MS, state.pauseMs * 2), LONGEST_PAUSE_MS);
      state.untilMs = performance.now() + state.pauseMs;
    }
    return result;
  }
}

/** Runs a look-up in a savepoint, so that the step's transaction can continue after a failure. */
async function orError(client: PoolClient, find: () => Promise<FoundNode[]>): Promise<{ nodes: FoundNode[] } | { error: unknown }> {
  await client.query(`SAVEPOINT look_up; SET LOCAL statement_timeout = ${LOOK_UP_MS}`);
  try {
    const nodes = await find();
    await client.query('RELEASE SAVEPOINT look_up');
    return { nodes };
  } catch (error) {
    await client.query('ROLLBACK TO SAVEPOINT look_up');
    return { error };
  }
}
