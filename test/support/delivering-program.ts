// The source of a program that adopts Hookgraph and delivers one webhook to itself, with a stored query and a template.

export const DELIVERING = `import { createServer } from 'node:http';
  import { createHookgraph } from 'hookgraph';
  import pg from 'pg';
  const hooks = createHookgraph({
    database: process.env.DATABASE_URL, keys: process.env.HOOKGRAPH_ENCRYPTION_KEYS, tables: { Note: { tenant: 'owner' } },
    signIn: async () => ({}), context: () => ({}), actor: () => ({ tenant: 'ada', userId: 'ada', canManageWebhooks: true }),
    settings: { allowedNetworks: ['127.0.0.0/8'] },
  });
  const main = async () => {
    const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
    await pool.query('CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY, owner text NOT NULL, body text)');
    await hooks.migrate();
    const worker = await hooks.work();
    const server = createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const arrived = new Promise((resolve) => server.on('request', async (request, response) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      response.end();
      resolve(text);
    }));
    const query = \`mutation { createWebhookSubscription(webhookSubscription: { topic: { key: "note/created" } callbackUrl: "http://127.0.0.1:\${server.address().port}/"
      query: "query ($id: Int!) { note(id: $id) { body } }" template: "{\\\\"said\\\\": {{ data.note.body | json }}}" }) { errors { fullMessage } } }\`;
    const headers = { 'content-type': 'application/json' };
    const saved = await hooks.handler(new Request('http://localhost/', { method: 'POST', headers, body: JSON.stringify({ query }) }));
    console.log(await saved.text());
    await pool.query("INSERT INTO notes (owner, body) VALUES ('ada', 'Hello')");
    console.log('arrived ' + (await arrived));
    server.close();
    await worker.stop();
    await hooks.close();
    await pool.end();
  };
  main();`;
