// Prepares a database to record changes of the announced nodes: creates the partitions of Hookgraph's tables, the topics and the triggers.
// Does nothing when they exist.
import type { Pool } from 'pg';
import type { Logger } from '../../runtime/logger.js';
import { schemaOf } from '../../runtime/schema-name.js';
import type { AnnouncedNode } from '../base/model.js';
import { withOwnNode } from '../base/own-node.js';
import { attachTriggers } from './attach-triggers.js';
import { refuseOtherApplication } from './other-application.js';
import { syncTopics } from './topics.js';

/**
 * Prepares the database for `nodes` and for Hookgraph's own subscriptions table. Topics are stored before triggers are attached, so that
 * every recorded event has its topic.
 */
export async function prepareCapture(pool: Pool, nodes: AnnouncedNode[], log: Logger): Promise<void> {
  const all = withOwnNode(nodes, schemaOf(pool));
  await refuseOtherApplication(pool, nodes);
  const { rows } = await pool.query<{ made: number }>('SELECT hookgraph.ensure_partitions() AS made');
  const topics = await syncTopics(pool, all);
  const triggers = await attachTriggers(pool, all, log);
  log.info({ partitions: rows[0]?.made, topics, tables: triggers.changed.length }, 'capture triggers and topics are up to date');
}
