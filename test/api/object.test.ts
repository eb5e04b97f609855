import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';
import { nodes } from '../support/sample.js';

let t: ServedApp;
beforeAll(async () => {
  t = await servedApp({}, { sampleData: true });
  for (const [name, { userId }] of Object.entries({ hank: t.stranger, alain: t.member }))
    await t.database.pool.query('INSERT INTO api_tokens (user_id, name, token_hash) VALUES ($1, $2, $3)', [
      userId,
      name,
      createHash('sha256').update(name).digest('hex'),
    ]);
});
afterAll(() => t.close());

const get = (id: string, token?: string) =>
  fetch(`${t.api.url}/api/v3/graphql/object/${id}`, { headers: token ? { Authorization: `Token token=${token}` } : {} });

async function someOf(typename: string): Promise<{ id: string; databaseId: string }> {
  const node = nodes.find((candidate) => candidate.typename === typename);
  const tenant = node && 'column' in node.tenant ? node.tenant.column : '';
  const { rows } = await t.database.pool.query(`SELECT id FROM ${node?.table.name} WHERE ${tenant} = $1 ORDER BY id LIMIT 1`, [
    t.admin.organizationId,
  ]);
  return { id: t.app.webhooks.engine.host.toGlobalId(typename, rows[0].id), databaseId: rows[0].id };
}

describe.each(nodes.map(({ typename }) => typename))('the URL of a %s', (typename) => {
  it('answers members its own attributes, whole, and no relation', async () => {
    const { id, databaseId } = await someOf(typename);
    const response = await get(id, ADMIN_TOKEN);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, expect.stringContaining('application/json')]);
    const object = await response.json();
    expect(object).toMatchObject({ id, databaseId, createdAt: expect.stringMatching(/Z$/), updatedAt: expect.stringMatching(/Z$/) });
    const { __type } = (await t.ask(`{ __type(name: "${typename}") { fields { name args { name } type { kind ofType { kind } } } } }`))
      .data;
    const isRelation = ({ args, type }: { args: unknown[]; type: { kind: string; ofType: { kind: string } | null } }) =>
      args.length > 0 || [type.kind, type.ofType?.kind].includes('OBJECT');
    const attributes = __type.fields.filter((field: Parameters<typeof isRelation>[0]) => !isRelation(field));
    expect(Object.keys(object).sort()).toEqual(attributes.map(({ name }: { name: string }) => name).sort());
    expect(await (await get(id, 'alain')).json()).toEqual(object);
  });

  it('tells others nothing, not even that it exists', async () => {
    const { id } = await someOf(typename);
    const missing = await get(t.app.webhooks.engine.host.toGlobalId(typename, '11111111-1111-4111-8111-111111111111'), 'hank');
    const theirs = await get(id, 'hank');
    expect([theirs.status, missing.status]).toEqual([404, 404]);
    const told = async (response: Response) => (await response.text()).replace(/"requestId":"[^"]*"/, '');
    expect(await told(theirs)).toBe(await told(missing));
    expect((await get(id)).status).toBe(401);
  });
});
