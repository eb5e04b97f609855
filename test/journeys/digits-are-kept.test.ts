// Promise: numbers keep their exact digits from row to body and from request to row; a value that JSON can't express costs only its field.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Invoices, startInvoices } from '../support/invoices.js';
import { triedDeliveries, untilSettled } from '../support/journey.js';
import type { Product } from '../support/product.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

const ID = '750727362669608961';
const NEXT = '750727362669608962';
const LONG = '0.1000000000000000055511151231257827';
const DETAILS = `{"id": ${ID}, "of": [${LONG}, 1.5, 12], "text": "${ID}"}`;
const FIELDS = 'databaseId title amount fee rate serial details raw dueAt seenAt dueOn opens';

let invoices: Invoices;
let product: Product;
let receiver: Receiver;
beforeAll(async () => {
  invoices = await startInvoices();
  product = invoices.product;
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver?.close();
  await invoices?.close();
});
const subscriptions: { id: string }[] = [];
afterEach(async () => {
  for (const { id } of subscriptions.splice(0))
    await product.graphql(
      'mutation ($s: WebhookSubscriptionInput) { deleteWebhookSubscription(webhookSubscription: $s) { errors { message } } }',
      { s: { id } },
    );
  receiver.requests.length = 0;
});

const ask: Invoices['ask'] = (...asked) => invoices.ask(...asked);

async function subscribe(operation: string, more: object = {}) {
  const query = `query ($nodeId: ID!) { node(id: $nodeId) { ... on Invoice { ${FIELDS} } } }`;
  const subscription = await product.subscribe({ topic: { key: `invoice/${operation}` }, callbackUrl: receiver.url, query, ...more });
  subscriptions.push(subscription);
  return subscription;
}

const insert: Invoices['insert'] = (columns) => invoices.insert(columns);

const bodies = async (): Promise<string[]> => {
  await untilSettled(product);
  return receiver.requests.splice(0).map(({ body }) => body);
};

const idOf = (key: string) => Buffer.from(`Invoice:${key}`).toString('base64url');

describe('from the row to the body', () => {
  const numbers = {
    details: DETAILS,
    raw: `{"a": 1e400, "b": -0, "c": ${ID}, "c": ${NEXT}}`,
    amount: `${ID}.00000000000000000007`,
    serial: ID,
  };

  it('a stored query without a template sends the digits that are stored', async () => {
    await subscribe('created');
    await insert(numbers);
    const [body = ''] = await bodies();
    expect(body).toContain(`"details":{"id":${ID},"of":[${LONG},1.5,12],"text":"${ID}"}`);
    expect(body).toContain(`"raw":{"a":1e400,"b":-0,"c":${NEXT}}`);
    expect(body).toContain(`"amount":"${ID}.00000000000000000007"`);
    expect(body).toContain(`"serial":"${ID}"`);
  });

  it('templates show, compare and pass on the same', async () => {
    const id = 'data.node.details.id';
    await subscribe('created', {
      validationTemplate: `{% if ${id} > 750727362669608960 and ${id} < ${NEXT} and ${id} != 750727362669608960 %}true{% else %}false{% endif %}`,
      template: `{"id": {{ ${id} }}, "all": {{ data.node.details | json }}, "same": {{ ${id} == ${ID} }}, "text": "{{ ${id} | append: "!" }}"}`,
    });
    await insert(numbers);
    expect(await bodies()).toEqual([
      `{"id": ${ID}, "all": {"id":${ID},"of":[${LONG},1.5,12],"text":"${ID}"}, "same": true, "text": "${ID}!"}`,
    ]);
  });

  it('XML has them, too', async () => {
    await subscribe('created', { contentType: 'XML' });
    await insert(numbers);
    const [body = ''] = await bodies();
    expect(body).toContain(`<id>${ID}</id><of><item>${LONG}</item><item>1.5</item><item>12</item></of>`);
  });

  it('a deleted node is told with all of its digits', async () => {
    await subscribe('deleted');
    const key = await insert(numbers);
    await product.pool.query('DELETE FROM invoices WHERE invoice_no = $1', [key]);
    const [body = ''] = await bodies();
    expect(body).toContain(`"databaseId":"${key}"`);
    expect(body).toContain(`"details":{"id":${ID},"of":[${LONG},1.5,12],"text":"${ID}"}`);
    expect(body).toContain(`"amount":"${ID}.00000000000000000007"`);
    expect(body).toContain(`"serial":"${ID}"`);
  });
});

describe('from the request to the row', () => {
  const MUTATION = (input: string) =>
    `mutation { createInvoice(invoice: ${input}) { errors { fullMessage } invoice { databaseId details serial } } }`;

  async function stored(answer: string) {
    const [, key = ''] = /"databaseId":"(\d+)"/.exec(answer) ?? [];
    const { rows } = await product.pool.query('SELECT details::text, serial::text, raw::text FROM invoices WHERE invoice_no = $1', [key]);
    return rows[0];
  }

  it('a literal is stored and answered as it is written', async () => {
    const answer = await ask(MUTATION(`{ title: "Literal", serial: ${ID}, details: { id: ${ID}, of: [${LONG}, 1.5] } }`));
    expect(await stored(answer)).toMatchObject({ details: `{"id": ${ID}, "of": [${LONG}, 1.5]}`, serial: ID });
    expect(answer).toContain(`"details":{"id":${ID},"of":[${LONG},1.5]}`);
  });

  it('variables are stored and answered as they are sent', async () => {
    const answer = await ask(
      'mutation ($i: InvoiceInput) { createInvoice(invoice: $i) { errors { fullMessage } invoice { databaseId details } } }',
      `{"i": {"title": "Variable", "serial": ${ID}, "details": {"id": ${ID}, "of": [${LONG}, 1E-400]}, "raw": {"x": 1e400}}}`,
    );
    expect(await stored(answer)).toMatchObject({ serial: ID, raw: '{"x":1e400}' });
    expect(answer).toContain(`"id":${ID}`);
    expect((await stored(answer)).details).toContain(`"of": [${LONG}, 0.00000`);
  });

  it('an update keeps them, and so does a JSON value that is a number itself', async () => {
    const [, id = ''] = /"id":"([^"]+)"/.exec(await ask('mutation { createInvoice(invoice: { title: "One" }) { invoice { id } } }')) ?? [];
    const answer = await ask(
      'mutation ($i: InvoiceInput) { updateInvoice(invoice: $i) { errors { fullMessage } invoice { databaseId details } } }',
      `{"i": {"id": "${id}", "details": ${ID}}}`,
    );
    expect((await stored(answer)).details).toBe(ID);
    expect(answer).toContain(`"details":${ID}`);
  });

  it('external data is found by a number that a double would take for another', async () => {
    const { createScenarioSession } = await product.graphql(
      `mutation { createScenarioSession(scenarioSession: { scenarioId: "${(await product.graphql('{ scenarios(first: 1) { nodes { id } } }')).scenarios.nodes[0].id}", externalData: { crm: ${ID} } }) { errors { fullMessage } scenarioSession { id } } }`,
    );
    expect(createScenarioSession.errors).toEqual([]);
    const find = (value: string) =>
      ask(`{ scenarioSessions(externalData: { type: "MATCH", key: "crm", value: ${value} }) { nodes { id externalData } } }`);
    expect(await find(ID)).toContain(`"externalData":{"crm":${ID}}`);
    expect(await find('750727362669608960')).toContain('"nodes":[]');
    expect(
      await ask(
        '($v: Alphanumeric) { scenarioSessions(externalData: { type: "MATCH", key: "crm", value: $v }) { nodes { id } } }'.replace(
          /^/,
          'query ',
        ),
        `{"v": ${ID}}`,
      ),
    ).toContain(createScenarioSession.scenarioSession.id);
  });
});

describe('with a before-hook', () => {
  it('a generated 64-bit key and 64-bit values are stored as they are, again and again', async () => {
    await subscribe('created', { phase: 'BEFORE' });
    const keys: string[] = [];
    for (const title of ['a', 'b', 'c', 'd']) {
      const answer = await ask(
        'mutation ($i: InvoiceInput) { createInvoice(invoice: $i) { errors { fullMessage } invoice { databaseId details } } }',
        `{"i": {"title": "${title}", "details": {"id": ${ID}}}}`,
      );
      expect(answer).toContain('"errors":[]');
      expect(answer).toContain(`"details":{"id":${ID}}`);
      keys.push(/"databaseId":"(\d+)"/.exec(answer)?.[1] ?? '');
    }
    expect(new Set(keys).size).toBe(4);
    const asked = receiver.requests.map(({ body }) => body);
    for (const [index, key] of keys.entries()) {
      expect(BigInt(key)).toBeGreaterThan(2n ** 53n);
      expect(asked[index]).toContain(`"databaseId":"${key}"`);
      expect(asked[index]).toContain(`"details":{"id":${ID}}`);
    }
    const { rows } = await product.pool.query('SELECT details::text FROM invoices WHERE invoice_no = ANY ($1::bigint[])', [keys]);
    expect(rows).toEqual(keys.map(() => ({ details: `{"id": ${ID}}` })));
  });
});

describe('values that JavaScript has no word for', () => {
  const far = {
    due_at: '290000-01-02 03:04:05.678+00',
    seen_at: '0044-03-15 12:00:00 BC',
    due_on: '5874897-12-31',
    opens: '24:00',
    fee: '-1234.56',
    amount: 'NaN',
  };
  const FAR = {
    dueAt: '+290000-01-02T03:04:05.678Z',
    seenAt: '-000043-03-15T12:00:00.000Z',
    dueOn: '+5874897-12-31T00:00:00.000Z',
    opens: '1970-01-02T00:00:00.000Z',
    fee: '-1234.56',
    amount: 'NaN',
  };

  it('are told as ISO 8601 says them, of a row and of one that is gone', async () => {
    await subscribe('created');
    await subscribe('deleted');
    const key = await insert(far);
    expect(JSON.parse((await bodies())[0] ?? '').data.node).toMatchObject(FAR);
    expect(JSON.parse(await ask(`{ node(id: "${idOf(key)}") { ... on Invoice { ${FIELDS} } } }`)).data.node).toMatchObject(FAR);
    await product.pool.query('DELETE FROM invoices WHERE invoice_no = $1', [key]);
    expect(JSON.parse((await bodies())[0] ?? '').data.node).toMatchObject(FAR);
  });

  it('are null with a field and a value where it has no word either; nothing is held, and no list is empty', async () => {
    const made = await subscribe('created');
    const gone = await subscribe('deleted');
    const odd = { due_at: 'infinity', seen_at: '-infinity', due_on: 'infinity', rate: 'NaN', created_at: 'infinity' };
    const usual = await insert({ details: '{}' });
    const key = await insert(odd);
    const ODD = { databaseId: key, dueAt: null, seenAt: null, dueOn: null, rate: null, title: 'By SQL' };
    const told = (await bodies()).map((body) => JSON.parse(body).data.node);
    expect(told.find(({ databaseId }) => databaseId === key)).toMatchObject(ODD);
    expect(told.some(({ databaseId }) => databaseId === usual)).toBe(true);
    for (const orderBy of ['{ attribute: "dueAt" }', '{ attribute: "createdAt", direction: DESC }', '{ attribute: "rate" }']) {
      const { data, errors } = JSON.parse(
        await ask(`{ invoices(first: 100, orderBy: ${orderBy}) { totalCount edges { cursor } nodes { createdAt ${FIELDS} } } }`),
      );
      expect(data.invoices.nodes.length).toBe(Math.min(100, data.invoices.totalCount));
      expect(data.invoices.nodes.find(({ databaseId }: { databaseId: string }) => databaseId === key)).toMatchObject(ODD);
      const messages = errors.map(({ message }: { message: string }) => message);
      expect(messages).toContain('dueAt is infinity, which a DateTime cannot represent.');
      expect(messages).toContain('seenAt is -infinity, which a DateTime cannot represent.');
      expect(messages).toContain('rate is NaN, which a Float cannot represent.');
    }
    await product.pool.query('DELETE FROM invoices WHERE invoice_no = $1', [key]);
    expect(JSON.parse((await bodies())[0] ?? '').data.node).toMatchObject(ODD);
    for (const { id } of [made, gone]) {
      const states = (await triedDeliveries(product, id, 1)).map(({ state }) => state);
      expect([...new Set(states)]).toEqual(['DELIVERED']);
    }
  });

  it('are taken as they are told', async () => {
    const answer = await ask(
      `mutation { createInvoice(invoice: { title: "Far", dueAt: "+290000-01-02T03:04:05.678Z", seenAt: "-000043-03-15T12:00:00Z" }) { errors { fullMessage } invoice { databaseId dueAt seenAt } } }`,
    );
    expect(answer).toContain('"dueAt":"+290000-01-02T03:04:05.678Z","seenAt":"-000043-03-15T12:00:00.000Z"');
    const found = await ask(
      '{ invoices(createdAtMax: "+290000-01-01T00:00:00Z", createdAtMin: "-000043-03-15T12:00:00Z") { totalCount } }',
    );
    expect(JSON.parse(found).data.invoices.totalCount).toBeGreaterThan(0);
  });
});
