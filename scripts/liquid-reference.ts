// Describes Liquid for the reference: tags, filters, and where templates differ from Shopify's Liquid on purpose. The test that runs
// Shopify's public suite accepts no other difference.
import { faultOf, listLiquid, parseTemplate, renderNodes } from '../src/webhooks/base/templates/liquid.mjs';

/** A case of the public suite: https://github.com/jg-rp/golden-liquid */
export interface SuiteCase {
  template: string;
  data?: Record<string, unknown>;
}

/** The variables that templates read, each with its names and their meaning. */
export const VARIABLES_READ = {
  data: { id: 'the global id of the node', url: 'the URL of the node, if the API gives one' },
  notification: {
    id: 'of the delivery, the same on every retry and resend',
    eventId: 'the same on every replay, too',
    topic: 'the key of the topic, e.g. `user/created`',
    topicVersion: 'the version of the topic, e.g. `1.1`',
    phase: '`after` or `before`',
    live: 'false in a test',
    snapshot: 'true when a snapshot sends the node in its current state',
    nodeId: 'the global id of the node',
    nodeType: 'the GraphQL type of the node, e.g. `User`',
    webhookId: 'the id of the subscription',
    time: 'of this attempt',
  },
  response: {
    body: 'parsed if it is JSON, else text',
    headers: 'names are case-insensitive',
    status: 'the HTTP status code',
  },
  event: {
    operation: '`created`, `updated`, `deleted`',
    changed: 'names of the changed fields',
    before: 'the old values by field name, only of fields that the owner of the subscription may read; nil for a row that did not exist',
    after:
      'the new values by field name, only of fields that the owner of the subscription may read; nil for a row that does not exist any more',
    actor: 'the user who made the change; nil if the write does not record it',
  },
} as const;

/** Returns the tags, filters and variables for the editor of the console. */
export const liquidWords = () => ({ ...listLiquid(), variables: VARIABLES_READ });

/** Lists the names of a variable with their meaning, in a sentence. */
export const namesRead = (variable: keyof typeof VARIABLES_READ): string =>
  Object.entries(VARIABLES_READ[variable])
    .map(([name, meaning]) => `${code(name)} (${meaning})`)
    .join(', ');

interface Difference {
  template: string;
  data: Record<string, unknown>;
  /** The text that Shopify's Liquid renders; `null` when it fails. */
  shopify: string | null;
  why: string;
  /** Whether this difference explains why a case of the suite has another result here. */
  explains(suiteCase: SuiteCase): boolean;
}

export const DIFFERENCES: Difference[] = [
  {
    template: '{{ list | has: "a", 1 }}',
    data: { list: [null, { a: 1 }] },
    shopify: '',
    why: 'A list of a GraphQL API may hold null. In Shopify, one nil, true or false empties the result of `where`, `reject`, `has`, `find` and `find_index`.',
    explains: ({ template, data }) =>
      /\| (where|reject|has|find|find_index):/.test(template) &&
      Object.values(data ?? {}).some((value) => Array.isArray(value) && value.includes(null)),
  },
  {
    template: '{% if "2.50" > 1 %}more{% endif %}',
    data: {},
    shopify: null,
    why: 'A `Decimal` and a `BigInt` are texts with all of their digits. A text that is a number is compared with a number.',
    explains: ({ template }) => /(['"])[\d.]+\1 [<>]=? \d/.test(template),
  },
  {
    template: '{% if not x %}no{% endif %}',
    data: {},
    shopify: null,
    why: '`not` is an operator.',
    explains: ({ template }) => /\{% if not /.test(template),
  },
  {
    template: '{% case 1 %}{% when 2 and 1 %}yes{% endcase %}',
    data: {},
    shopify: '',
    why: 'Values of `when` are separated by `,` or `or`. A new template with anything else is refused, as Shopify does in its strict mode.',
    explains: ({ template }) => /\{% when [^%]* and /.test(template),
  },
  {
    template: '{{ "2026-11-22T18:30:00+02:00" | date: "%H:%M" }}',
    data: {},
    shopify: '18:30',
    why: 'Moments are written in UTC. A second argument names another zone: `date: "%H:%M", "Europe/Berlin"`.',
    explains: () => false,
  },
  {
    template: '{{ object }}',
    data: { object: { a: 1 } },
    shopify: '{"a"=>1}',
    why: 'An object is written as JSON.',
    explains: () => false,
  },
  {
    template: '{% render "product" %}',
    data: {},
    shopify: 'the file',
    why: 'There are no other files: `include`, `render`, `layout` and `block` are unknown tags.',
    explains: () => false,
  },
  {
    template: '{{ 1 | divided_by: 0 }}',
    data: {},
    shopify: 'Liquid error: divided by 0',
    why: 'A template that fails sends nothing. The attempt says why.',
    explains: () => false,
  },
];

/** Lists tags and filters, and says what can't be saved. */
export function aboutLiquid(): string {
  const { filters, tags } = listLiquid();
  return `Tags: ${tags.map(code).join(', ')}.

Filters ([LiquidJS](https://liquidjs.com/filters/overview.html) documents them): ${filters.map(code).join(', ')}.

\`json\` (or \`jsonify\`) writes any value as JSON. Times are in UTC.

A template that other implementations of Liquid refuse can't be saved: an unknown filter or tag, a filter with too many or too few arguments, \`{% if x == %}\`, \`{% for x in list | sort %}\`. A template that was saved before is still accepted.`;
}

/** Returns the rows of the reference: the template, what Shopify and Hookgraph render, and why. */
export const differenceRows = (): string[][] =>
  DIFFERENCES.map(({ template, data, shopify, why }) => [
    code(template),
    Object.keys(data).length === 0 ? '' : code(JSON.stringify(data)),
    shopify === null ? '(refused)' : code(shopify),
    rendered(template, data),
    why,
  ]);

const code = (text: string) => (text === '' ? '(nothing)' : `\`${text}\``);

function rendered(template: string, data: object): string {
  try {
    return code(renderNodes(parseTemplate(template, 'none'), 'none', data));
  } catch (error) {
    return `(${faultOf(error, 'render').message})`;
  }
}
