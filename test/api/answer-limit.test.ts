// Tests that a request whose answer would exhaust the process's memory is refused.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADMIN_TOKEN, type ServedApp, servedApp } from '../support/app.js';

let t: ServedApp;
beforeAll(async () => {
  t = await servedApp();
});
afterAll(() => t.close());

async function ask(query: string) {
  const headers = { Authorization: `Token token=${ADMIN_TOKEN}`, 'Content-Type': 'application/json' };
  return (await fetch(`${t.api.url}/api/v3/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) })).json();
}

it('answers no more than a process has room for, however often one field is asked for', async () => {
  await t.database.pool.query("UPDATE users SET job_title = repeat('x', 1000000) WHERE first_name = 'Ada'");
  const titles = (count: number) => Array.from({ length: count }, (_, index) => `t${index}: jobTitle`).join(' ');
  expect((await ask(`{ viewer { ${titles(2)} } }`)).data.viewer.t1).toHaveLength(1_000_000);
  const { data, errors } = await ask(`{ viewer { ${titles(40)} } }`);
  expect(errors[0].message).toBe(
    'The response has more than 33554432 characters, which is the limit. Request fewer fields or smaller pages.',
  );
  expect(data).toBeUndefined();
});
