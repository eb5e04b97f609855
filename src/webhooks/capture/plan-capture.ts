// Lists the SQL statements that `hookgraph migrate` would run to make topics, functions and triggers match the announced nodes. Runs none
// of them.
import type { Pool, PoolClient } from 'pg';
import pg from 'pg';
import { localSql, schemaOf } from '../../runtime/schema-name.js';
import { linkNodes } from '../base/links.js';
import type { AnnouncedNode } from '../base/model.js';
import { OWN_NODE } from '../base/own-node.js';
import { changedFunctions, checkTenantSql, findFunctionDrops, findTriggerChanges, functionSql, nodeTypesSql } from './attach-triggers.js';
import { checkNodes, joinProblems } from './check-nodes.js';
import { refuseOtherApplication } from './other-application.js';
import { proveCapture } from './prove-capture.js';
import { readTableFacts } from './table-facts.js';
import { planTopics } from './topics.js';

export interface PlannedStatement {
  /** The purpose of the statement, in words. */
  about: string;
  /** The application's table that the statement locks briefly; `null` when it locks none. */
  table: string | null;
  sql: string;
}

/**
 * Returns the statements that `migrate` would run now.
 * @param isMigrated whether Hookgraph's own tables are up to date. If not, statements that need those tables are left out, and the triggers
 * are not tried on copies of the announced tables.
 * @throws WebhooksError with the same problems as attachTriggers
 */
export async function planCapture(
  pool: Pool,
  nodes: AnnouncedNode[],
  { isMigrated }: { isMigrated: boolean },
): Promise<PlannedStatement[]> {
  const schema = schemaOf(pool);
  const own: AnnouncedNode = { ...OWN_NODE, table: { ...OWN_NODE.table, schema } };
  const hosts = [...nodes.filter(({ typename }) => typename !== OWN_NODE.typename), ...linkNodes(nodes)];
  if (isMigrated) await refuseOtherApplication(pool, nodes);
  const client = await pool.connect();
  try {
    const topics = await planTopics(client, [...hosts, own], { hasTable: isMigrated });
    const planned = [
      ...(topics === null ? [] : [{ about: 'the list of topics', table: null, sql: topics }]),
      ...(await planTriggers(client, isMigrated ? [...hosts, own] : hosts, { own, isMigrated })),
    ];
    return planned.map((one) => ({ ...one, sql: localSql(one.sql, schema) }));
  } finally {
    client.release();
  }
}

async function planTriggers(
  client: PoolClient,
  nodes: AnnouncedNode[],
  { own: { table: ownTable }, isMigrated }: { own: AnnouncedNode; isMigrated: boolean },
): Promise<PlannedStatement[]> {
  const facts = await readTableFacts(
    client,
    nodes.map((node) => node.table),
  );
  const { tables, problems } = checkNodes(nodes, facts);
  const invalidTenants = await checkTenantSql(client, tables);
  problems.push(...invalidTenants.values());
  const functions = await changedFunctions(client, tables, ownTable.schema);
  if (isMigrated && functions.length > 0) {
    problems.push(
      ...(await proveCapture(
        client,
        tables.filter((table) => !invalidTenants.has(table)),
        tables,
      )),
    );
  }
  if (problems.length > 0) throw joinProblems(problems);
  const own = `${pg.escapeIdentifier(ownTable.schema)}.${pg.escapeIdentifier(ownTable.name)}`;
  const triggers = (await findTriggerChanges(client, tables, ownTable.schema)).filter(({ table }) => isMigrated || table !== own);
  const drops = isMigrated ? await findFunctionDrops(client, tables) : [];
  return [
    ...functions.map((one) => ({ about: `function ${one.name}`, table: null, sql: functionSql(one) })),
    ...(functions.length > 0
      ? [{ about: 'the lists of types, of links, and of tables whose tenant other rows decide', table: null, sql: nodeTypesSql(tables) }]
      : []),
    ...triggers.map(({ table, statements }) => ({
      about: `triggers of ${table}`,
      table: table === own ? null : table,
      sql: statements.join(';\n'),
    })),
    ...drops.map((sql) => ({ about: 'a function that is no longer needed', table: null, sql })),
  ];
}
