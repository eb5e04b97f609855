// Tests what the console's editors complete: paths of the query's result in Liquid, filters, tags, and first texts for a topic.
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { completeLiquid, type LiquidScope } from '../../src/console/editors/liquid-complete.js';
import { payloadScope, responseScope } from '../../src/console/editors/liquid-scope.js';
import { rangeOf } from '../../src/console/editors/place.js';
import { completeVariable, queryMistakes } from '../../src/console/editors/query-variables.js';
import { parseQuery, shapeOfQuery } from '../../src/console/editors/selection.js';
import { starterQuery, starterTemplate } from '../../src/console/editors/starters.js';
import { listLiquid, parseTemplate } from '../../src/webhooks/base/templates/liquid.mjs';

const schema = buildSchema(`
  interface Node { id: ID! }
  type Query { node(id: ID!): Node  viewer: Person  parcel(number: Int!): Parcel }
  type Person implements Node {
    id: ID!  "How the person signs." name: String!  tags: [String!]!  friends(first: Int!): [Person!]!  team: Team  teams(first: Int): TeamConnection!
  }
  type TeamConnection { nodes: [Team!]! }
  type Team implements Node { id: ID! label: String members: [Person!]! }
  type Parcel { number: Int! weight: Float }
`);
const QUERY = `query ($nodeId: ID!) {
  viewer { id }
  node(id: $nodeId) {
    ... on Person { name first: name tags team { ...OfTeam } teams { nodes { label } } missing }
    ... on Team { members { name } }
    id
  }
}
fragment OfTeam on Team { label ...OfTeam }`;

const scopeOf = (query: string | null, nodeType: string | null = 'Person'): LiquidScope =>
  payloadScope({ schema, nodeType, query: query === null ? null : parseQuery(query) });

/** Completes at the mark `|`, and returns all labels, not yet filtered by the typed word. */
function labelsAt(marked: string, scope: LiquidScope = scopeOf(QUERY)): string[] | null {
  const at = marked.indexOf('¦');
  return completeLiquid(marked.replace('¦', ''), at, scope)?.options.map(({ label }) => label) ?? null;
}

describe('the shape of a query', () => {
  it('has the selected paths with their types, by alias, through fragments, and without unknown fields', () => {
    const { fields } = shapeOfQuery(schema, parse(QUERY), 'Person');
    expect(Object.keys(fields ?? {})).toEqual(['viewer', 'node']);
    const node = fields?.node?.fields ?? {};
    expect(Object.entries(node).map(([name, { type }]) => `${name}: ${type}`)).toEqual([
      'name: String!',
      'first: String!',
      'tags: [String!]!',
      'team: Team',
      'teams: TeamConnection!',
      'id: ID!',
    ]);
    expect(node.name?.description).toBe('How the person signs.');
    expect(Object.keys(node.team?.fields ?? {})).toEqual(['label']);
  });

  it('leaves fragments on other types out for the node of the topic only', () => {
    expect(Object.keys(shapeOfQuery(schema, parse(QUERY), 'Team').fields?.node?.fields ?? {})).toEqual(['members', 'id']);
    expect(Object.keys(shapeOfQuery(schema, parse(QUERY), null).fields?.node?.fields ?? {})).toContain('members');
  });

  it('is unknown while the query has a syntax error', () => {
    expect(parseQuery('query { node(')).toBeNull();
  });
});

describe('completion in Liquid', () => {
  it.each([
    ['the variables', '{{ ¦', ['data', 'event', 'notification']],
    ['a name that is being typed', '{{ da¦', ['data', 'event', 'notification']],
    ['fields of the payload', '{{ data.¦ }}', ['viewer', 'node']],
    ['inner fields', 'a {{ data.node.team.¦', ['label']],
    ['what a list has', '{{ data.node.teams.nodes.¦', ['first', 'last', 'size']],
    ['fields of an item', '{{ data.node.teams.nodes[0].¦', ['label']],
    ['fields of the first item', '{{ data.node.teams.nodes.first.¦', ['label']],
    ['the loop variable', '{% for t in data.node.teams.nodes %}{{ t.¦ }}{% endfor %}', ['label']],
    ['an assigned variable', '{%- assign n = data.node -%}{{ n.team.¦', ['label']],
    ['a variable of a variable', '{% assign n = data.node %}{% assign t = n.team %}{{ t.¦', ['label']],
    ['lines of the tag liquid', '{% liquid\n assign n = data.node\n%}{{ n.team.¦', ['label']],
    ['a value in a condition', '{% if data.node.team.¦', ['label']],
    ['an argument of a filter', '{{ "x" | append: data.node.team.¦', ['label']],
  ])('knows %s', (_what, marked, labels) => {
    expect(labelsAt(marked)).toEqual(labels);
  });

  it.each([
    ['outside of tags', 'data.¦'],
    ['after a closed tag', '{{ data }} data.¦'],
    ['in a text', '{{ "data.¦" }}'],
    ['in raw text', '{% raw %}{{ data.¦'],
    ['in a comment', '{% comment %}{{ data.¦'],
    ['for a name that the template invents', '{% assign x¦'],
    ['for an unknown path', '{{ data.nothing.¦'],
    ['after a loop has ended', '{% for t in data.node.teams.nodes %}{% endfor %}{{ t.¦'],
  ])('offers nothing %s', (_where, marked) => {
    expect(labelsAt(marked)).toBeNull();
  });

  it('offers exactly the filters and tags of the engine', () => {
    const { filters, tags } = listLiquid();
    expect(labelsAt('{{ data | ¦')).toEqual(filters);
    expect(labelsAt('{{ data | json | up¦')).toEqual(filters);
    expect(labelsAt('{% ¦')).toEqual(tags);
    expect(labelsAt('{% if a %}{% ¦')?.slice(0, 3)).toEqual(['endif', 'else', 'elsif']);
    expect(labelsAt('{% if a %}{% for b in c %}{% endfor %}{% ¦')?.[0]).toBe('endif');
  });

  it('knows the event with the fields of the node, and the notification', () => {
    expect(labelsAt('{{ event.¦')).toEqual(['operation', 'changed', 'before', 'after', 'actor']);
    expect(labelsAt('{{ event.before.¦')).toEqual(['id', 'name', 'tags', 'team']);
    expect(labelsAt('{{ notification.¦')).toContain('eventId');
  });

  it('knows the default payload without a query, and the response in the error template', () => {
    expect(labelsAt('{{ data.¦', scopeOf(null))).toEqual(['id', 'url']);
    expect(labelsAt('{{ ¦', responseScope({ schema, nodeType: 'Person' }))).toEqual(['body', 'headers', 'status', 'event']);
  });

  it('begins at the typed word, so that choosing a name replaces it', () => {
    expect(completeLiquid('{{ data.no', 10, scopeOf(QUERY))?.from).toBe(8);
    expect(completeLiquid('{{ x | up', 9, scopeOf(QUERY))?.from).toBe(7);
  });
});

describe('a query', () => {
  it('may use $nodeId and $nodeType, which are declared with their types', () => {
    expect(completeVariable('query ($')?.options.map(({ apply }) => apply)).toEqual(['$nodeId: ID!', '$nodeType: String']);
    expect(completeVariable('query ($nodeId: ID!) { node(id: $no')).toMatchObject({ from: 32, options: [{ apply: '$nodeId' }, {}] });
    expect(completeVariable('query { node')).toBeNull();
  });

  it('is wrong at line and column, and an empty one is not wrong', () => {
    expect(queryMistakes(schema, ' \n')).toEqual([]);
    expect(queryMistakes(schema, QUERY.replace(' missing', '').replace(' ...OfTeam }`', ' }').replace('label ...OfTeam', 'label'))).toEqual(
      [],
    );
    expect(queryMistakes(schema, '{\n  viewer { nme }\n}')).toMatchObject([{ place: { line: 2, column: 12 } }]);
    expect(queryMistakes(schema, '{\n  viewer {')).toMatchObject([
      { message: expect.stringContaining('Syntax Error'), place: { line: 2 } },
    ]);
  });
});

describe('first texts', () => {
  it('selects fields of the node in a valid query, also where the node is found by a key', () => {
    for (const type of ['Person', 'Team']) {
      const query = starterQuery(schema, type) as string;
      expect(validate(schema, parse(query))).toEqual([]);
      expect(query).toContain(`... on ${type}`);
    }
    const keyed = buildSchema('type Query { parcel(number: Int!): Parcel } type Parcel { number: Int! weight: Float }');
    const query = starterQuery(keyed, 'Parcel') as string;
    expect(query).toContain('query ($id: Int!) {\n  parcel(number: $id)');
    expect(validate(keyed, parse(query))).toEqual([]);
    expect(starterQuery(keyed, 'Nothing')).toBeNull();
  });

  it('writes each value outside of lists, in a template that can be saved', () => {
    const data = shapeOfQuery(schema, parse(QUERY), 'Person');
    const json = starterTemplate(data, 'JSON');
    expect(json).toContain('"name": {{ data.node.name | json }}');
    expect(json).toContain('"viewer_id": {{ data.viewer.id | json }}');
    expect(json).not.toContain('teams');
    const xml = starterTemplate(data, 'XML');
    expect(xml).toContain('<label>{{ data.node.team.label }}</label>');
    expect(parseTemplate(json, 'json').length).toBeGreaterThan(0);
    expect(parseTemplate(xml, 'xml').length).toBeGreaterThan(0);
  });
});

describe('the range of a mistake', () => {
  it.each([
    ['the word at the place', 'ab\n{{ x | upcas }}', { line: 2, column: 8 }, 'upcas'],
    ['a sign that is no word', 'a }} b', { line: 1, column: 3 }, '}}'],
    ['the last character at the end of a line', 'abc\nd', { line: 1, column: 4 }, 'c'],
    ['the last line for a line that is gone', 'abc\nd', { line: 9, column: 1 }, 'd'],
    ['nothing in an empty text', '', { line: 1, column: 1 }, ''],
  ])('is %s', (_what, text, place, words) => {
    const { from, to } = rangeOf(text, place);
    expect(text.slice(from, to)).toBe(words);
  });
});
