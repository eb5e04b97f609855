// Reads the worked examples of a documentation page: the subscription, the change, and the notification that must arrive.

export interface Example {
  title: string;
  topic: string;
  /** Fields of the subscription: contentType, query and templates. */
  definition: Record<string, string>;
  cases: Case[];
}

export interface Case {
  /** Maps a type to its attributes; a relation is an object, or a list of objects. */
  node: Record<string, object>;
  change: object | null;
  /** SQL to run instead of a change through the API, with `:id` for the node's key. */
  statement: string | null;
  response: { status: number; headers: Record<string, string>; body: string } | null;
  /** The body that arrives, how the attempt ends, or both. */
  body: string | null;
  attempt: string | null;
}

/** Reads each `## 1. Title` with its fenced blocks; the second word of a fence names the kind of the block. */
export function readExamples(page: string): Example[] {
  return page
    .split(/^## (?=\d+\. )/m)
    .slice(1)
    .map(readExample);
}

function readExample(section: string): Example {
  const title = section.slice(0, section.indexOf('\n'));
  const topic = /Topic `([a-z_]+\/[a-z]+)`/.exec(section)?.[1];
  if (!topic) throw new Error(`"${title}" names no topic`);
  const definition: Record<string, string> = { contentType: section.includes('`contentType: XML`') ? 'XML' : 'JSON' };
  const cases: Case[] = [];
  for (const [, kind = '', text = ''] of section.matchAll(/^```\w+ (\w+)\n(.*?)\n```$/gms)) {
    const last = cases.at(-1);
    if (/^query$|emplate$/.test(kind)) definition[kind] = text;
    else if (kind === 'node')
      cases.push({ node: JSON.parse(text), change: null, statement: null, response: null, body: null, attempt: null });
    else if (!last) throw new Error(`"${title}" has a block "${kind}" before its node`);
    else if (kind === 'change') last.change = JSON.parse(text);
    else if (kind === 'response') last.response = readResponse(text);
    else if (kind === 'body' || kind === 'attempt' || kind === 'statement') last[kind] = text;
    else throw new Error(`"${title}" has a block of the unknown kind "${kind}"`);
  }
  const isProof = cases.length > 0 && cases.every(({ body, attempt }) => body !== null || attempt !== null);
  if (!isProof) throw new Error(`"${title}" has a node of which nothing is said to arrive`);
  return { title, topic, definition, cases };
}

function readResponse(text: string): Case['response'] {
  const [head = '', ...body] = text.split('\n\n');
  const [status = '', ...headers] = head.split('\n');
  return {
    status: Number(status.split(' ')[1]),
    headers: Object.fromEntries(headers.map((line) => line.split(': ') as [string, string])),
    body: body.join('\n\n'),
  };
}
