// Promise: a node type needs only a Prisma model, a file in src/sample/nodes and a line in list.ts; its three topics then exist.
import { readdir, readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { untilSettled } from '../support/journey.js';
import { addNodeType, build, copyProject } from '../support/own-node-type.js';
import { type Product, startProduct } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

/** A model with an integer key, other names in the database and a `json` column; its tenant is the organization of its scenario. */
const MODEL = `
/// A remark on a scenario.
model ScenarioNote {
  number     Int      @id @default(autoincrement()) @map("note_no")
  scenarioId String   @map("scenario_ref") @db.Uuid
  /// What is remarked.
  remark     String   @map("note_text")
  /// Whatever goes with it.
  details    Json?    @map("extra") @db.Json
  createdAt  DateTime @default(dbgenerated("now()")) @map("created_at") @db.Timestamptz(3)
  updatedAt  DateTime @default(dbgenerated("now()")) @map("updated_at") @db.Timestamptz(3)
  /// The scenario that it is about.
  scenario   Scenario @relation(fields: [scenarioId], references: [id], onDelete: Cascade)

  @@index([scenarioId])
  @@map("scenario_note_rows")
}
`;
const MIGRATION = `
CREATE TABLE "scenario_note_rows" (
  "note_no" SERIAL PRIMARY KEY,
  "scenario_ref" UUID NOT NULL REFERENCES "scenarios" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
  "note_text" TEXT NOT NULL,
  "extra" JSON,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now()
);
CREATE INDEX "scenario_note_rows_scenario_ref_idx" ON "scenario_note_rows" ("scenario_ref");
`;
const FILE = `// ScenarioNote: a remark on a scenario.
import { defineNode } from '../graph/define-node.js';

export const scenarioNote = defineNode('ScenarioNote', { tenant: 'scenario' });
`;

let copy: string;
/** The sources before the type was added. */
let before: Record<string, string>;
let product: Product;
let receiver: Receiver;
let scenario: { id: string; databaseId: string };
beforeAll(async () => {
  copy = await copyProject();
  before = await readSources();
  await addNodeType(copy, {
    file: 'scenario-note',
    source: FILE,
    model: MODEL,
    migration: MIGRATION,
    beside: { line: /^( {2}sessions +)ScenarioSession\[\]\n(?=[^}]*@@map\("scenarios"\))/m, field: 'notes ScenarioNote[]' },
  });
  await build(copy);
  product = await startProduct({ program: join(copy, 'dist/cli/main.js') });
  receiver = await startReceiver();
  const query = 'query ($nodeId: ID!) { node(id: $nodeId) { id ... on ScenarioNote { databaseId remark details scenario { name } } } }';
  for (const operation of ['created', 'updated', 'deleted'])
    await product.subscribe({ topic: { key: `scenario_note/${operation}` }, callbackUrl: receiver.url, query });
  const { createScenario } = await product.graphql(
    'mutation { createScenario(scenario: { name: "Noted" }) { scenario { id databaseId } } }',
  );
  scenario = createScenario.scenario;
});
afterAll(async () => {
  await receiver?.close();
  await product?.close();
  await rm(copy, { recursive: true, force: true });
});
beforeEach(() => {
  receiver.requests.length = 0;
});

/** Returns the topic and node of each notification since the last call. */
async function told() {
  await untilSettled(product);
  return receiver.requests.splice(0).map(({ headers, body }) => [headers['x-scope-topic'], JSON.parse(body).data.node]);
}

it('changes nothing of the engine, nor anything else but what was said', async () => {
  const after = await readSources();
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((path) => before[path] !== after[path]);
  expect(changed.sort()).toEqual(['src/sample/nodes/list.ts', 'src/sample/nodes/scenario-note.ts']);
  expect(Object.keys(before).some((path) => path.startsWith('src/webhooks/'))).toBe(true);
});

it('has its topics, its connection and its mutations', async () => {
  const { webhookTopics, scenarioNotes } = await product.graphql(
    '{ webhookTopics(nodeType: "ScenarioNote") { nodes { key version } } scenarioNotes { totalCount } }',
  );
  expect(webhookTopics.nodes.map(({ key }: { key: string }) => key).sort()).toEqual([
    'scenario_note/created',
    'scenario_note/deleted',
    'scenario_note/updated',
  ]);
  expect(scenarioNotes).toEqual({ totalCount: 0 });
});

it('is told of by mutation: created, updated and deleted', async () => {
  const note = { scenarioId: scenario.id, remark: 'First', details: { of: ['many', 1] } };
  const change = async (verb: string, input: object) => {
    const { [`${verb}ScenarioNote`]: payload } = await product.graphql(
      `mutation ($note: ScenarioNoteInput) { ${verb}ScenarioNote(scenarioNote: $note) { errors { field message } scenarioNote { id } } }`,
      { note: input },
    );
    expect(payload.errors).toEqual([]);
    return payload.scenarioNote.id as string;
  };
  const id = await change('create', note);
  const node = { id, databaseId: '1', remark: 'First', details: { of: ['many', 1] }, scenario: { name: 'Noted' } };
  expect(await told()).toEqual([['scenario_note/created', node]]);
  await change('update', { id, remark: 'Second' });
  expect(await told()).toEqual([['scenario_note/updated', { ...node, remark: 'Second' }]]);
  await change('update', { id, remark: 'Second' });
  expect(await told()).toEqual([]);
  await change('delete', { id });
  expect(await told()).toEqual([['scenario_note/deleted', { ...node, remark: 'Second' }]]);
});

it('is told of by SQL, whatever its json column says', async () => {
  const insert = `INSERT INTO scenario_note_rows (scenario_ref, note_text, extra) VALUES ($1, 'By SQL', $2) RETURNING note_no`;
  const { rows } = await product.pool.query(insert, [scenario.databaseId, '{"a": 1, "a": 2}']);
  expect(await told()).toMatchObject([['scenario_note/created', { databaseId: String(rows[0].note_no), remark: 'By SQL' }]]);
  // The same JSON in other notation is no change; comparing a json column directly would make this write fail.
  await product.pool.query(`UPDATE scenario_note_rows SET extra = '{"a":2}', updated_at = now() WHERE note_no = $1`, [rows[0].note_no]);
  expect(await told()).toEqual([]);
  await product.pool.query(`UPDATE scenario_note_rows SET extra = '[3]' WHERE note_no = $1`, [rows[0].note_no]);
  expect(await told()).toMatchObject([['scenario_note/updated', { details: [3] }]]);
});

it('is told of by cascade, to the organization of the scenario that went with it', async () => {
  await product.pool.query('DELETE FROM scenarios WHERE id = $1', [scenario.databaseId]);
  expect(await told()).toMatchObject([['scenario_note/deleted', { remark: 'By SQL', details: [3], scenario: null }]]);
});

it('stays within its organization', async () => {
  const { rows } = await product.pool.query(
    `INSERT INTO scenario_note_rows (scenario_ref, note_text) SELECT id, 'Secret' FROM scenarios WHERE name = 'Evacuate the volcano' RETURNING note_no`,
  );
  expect(rows).toHaveLength(1);
  expect(await told()).toEqual([]);
  expect(await product.graphql('{ scenarioNotes { totalCount } }')).toEqual({ scenarioNotes: { totalCount: 0 } });
});

/** The source files by path, without the generated ones. */
async function readSources(): Promise<Record<string, string>> {
  const entries = await readdir(join(copy, 'src'), { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(copy, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
  const own = paths.filter((path) => !path.startsWith('src/generated/')).sort();
  return Object.fromEntries(await Promise.all(own.map(async (path) => [path, await readFile(join(copy, path), 'utf8')] as const)));
}
