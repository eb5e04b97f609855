// Keeps a copy of all nodes of one type in a file, by HTTP alone. Run it as often as you like; each run continues where the last one ended.
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const CHANGES = `query ($after: String, $types: [String!]) { webhookChanges(after: $after, types: $types, first: 100) {
  nodes { databaseId nodeId after } heldBackBy pageInfo { hasNextPage endCursor } } }`;

/**
 * Updates the copy. Returns why the server still withholds later changes, or null if it withholds none.
 * @param {{ ask: Function, type: string, readPage: Function, pick: Function, copy: any }} job
 */
export async function reconcile(job) {
  const { copy } = job;
  if (copy.cursor === null) await readAll(job);
  try {
    return await follow(job);
  } catch (error) {
    if (error.code !== 'CURSOR_EXPIRED') throw error;
    await readAll(job);
    return follow(job);
  }
}

/** Reads all nodes. Takes the cursor before reading, so that changes made during the reading are read afterwards. */
async function readAll({ ask, type, readPage, copy }) {
  const { cursor } = await nextChanges(ask, type, null);
  const entries = new Map();
  for (let page = await readPage(null); ; page = await readPage(page.next)) {
    for (const { nodeId, row } of page.rows) entries.set(nodeId, { version: '0', row });
    if (page.next === null) break;
  }
  await copy.replace(entries, cursor);
}

/** Applies the changes since the copy's cursor. */
async function follow({ ask, type, pick, copy }) {
  for (;;) {
    const { changes, cursor, isLast, heldBackBy } = await nextChanges(ask, type, copy.cursor);
    // A deleted node has no values; neither has a node that this user may no longer read.
    for (const { nodeId, databaseId, after } of changes) copy.apply(nodeId, { version: databaseId, row: after && pick(after) });
    await copy.save(cursor);
    if (isLast) return heldBackBy;
  }
}

async function nextChanges(ask, type, after) {
  const { nodes, heldBackBy, pageInfo } = (await ask(CHANGES, { after, types: [type] })).webhookChanges;
  return { changes: nodes, cursor: pageInfo.endCursor, isLast: !pageInfo.hasNextPage, heldBackBy };
}

/**
 * Opens the copy in a file. Each line is an entry or a cursor, and a node's last entry counts. A line that a crash has cut off is
 * ignored: its cursor was not saved, so its change is read again.
 * @param {string} file
 */
export async function openCopy(file) {
  const entries = new Map();
  let unsaved = [];
  const copy = {
    /** @type {string | null} */
    cursor: null,
    /** Returns the rows by their node's id, without the rows of deleted nodes. */
    rows: () => new Map([...entries].flatMap(([nodeId, { row }]) => (row ? [[nodeId, row]] : []))),
    /** Ignores a change that is older than the copy's entry, because overlapping transactions may be listed in the other order. */
    apply(nodeId, entry) {
      const known = entries.get(nodeId);
      if (known && BigInt(known.version) >= BigInt(entry.version)) return;
      entries.set(nodeId, entry);
      unsaved.push(JSON.stringify([nodeId, entry]));
    },
    async save(cursor) {
      await appendFile(file, `\n${[...unsaved, JSON.stringify(cursor)].join('\n')}\n`);
      unsaved = [];
      copy.cursor = cursor;
    },
    async replace(found, cursor) {
      await writeFile(`${file}.new`, [...found, cursor].map((line) => JSON.stringify(line)).join('\n'));
      await rename(`${file}.new`, file);
      entries.clear();
      for (const [nodeId, entry] of found) entries.set(nodeId, entry);
      unsaved = [];
      copy.cursor = cursor;
    },
  };
  const text = await readFile(file, 'utf8').catch(() => '');
  for (const line of text.split('\n'))
    try {
      const read = JSON.parse(line);
      if (typeof read === 'string') copy.cursor = read;
      else entries.set(...read);
    } catch {}
  return copy;
}

/** Asks a GraphQL API. Throws its first error, with the error's code. */
export const askAt = (url, authorization) => async (query, variables) => {
  const headers = { 'content-type': 'application/json', authorization };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await response.json();
  if (errors) throw Object.assign(new Error(errors[0].message), { code: errors[0].extensions?.code });
  return data;
};

/** Reads the users of the product that `npm start` runs. Change this for your own type: `readPage` reads a page after a key or cursor. */
export const usersAt = (ask) => ({
  ask,
  type: 'User',
  pick: ({ firstName, lastName, email }) => ({ firstName, lastName, email }),
  async readPage(after) {
    const { users } = await ask(
      'query ($after: String) { users(first: 100, after: $after) { nodes { id firstName lastName email } pageInfo { hasNextPage endCursor } } }',
      { after },
    );
    const { hasNextPage, endCursor } = users.pageInfo;
    return { rows: users.nodes.map(({ id, ...row }) => ({ nodeId: id, row })), next: hasNextPage ? endCursor : null };
  },
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { HOOKGRAPH_URL = 'http://127.0.0.1:4000/api/v3/graphql', HOOKGRAPH_TOKEN, COPY = 'users.jsonl' } = process.env;
  const copy = await openCopy(COPY);
  const heldBackBy = await reconcile({ ...usersAt(askAt(HOOKGRAPH_URL, `Token token=${HOOKGRAPH_TOKEN}`)), copy });
  console.log(`${COPY} has ${copy.rows().size} users. ${heldBackBy ?? 'It is up to date.'}`);
}
