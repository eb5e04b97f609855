import { buildSchema, type GraphQLScalarType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { isExact } from '../../../../src/webhooks/base/query/key-variables.js';
import { checkQuery } from '../../../../src/webhooks/base/query/query.js';
import { type AnnouncedNode, finderProblems } from '../../../../src/webhooks/index.js';

const schema = buildSchema(`
  scalar UUID
  scalar Serial
  enum Size { BIG SMALL }
  input By { id: Int, ids: [Int!] }
  interface Thing { name: String }
  type Space implements Thing { name: String slots: [Slot!]! }
  type Slot { name: String }
  type Query {
    space(id: Int!): Space  spaceBy(by: By!): Space  spaces(ids: [Int!], limit: Int): [Space!]!
    thing(id: UUID!): Thing  slot(bookingId: Int!, slotId: Int!, at: String!): Slot  size(size: Size): Space  serial(serial: Serial!): Space
    name: String  relay: ID
  }`);
const node = (typename: string, key: string[], columns: Record<string, string> = {}): AnnouncedNode => ({
  typename,
  table: { schema: 'public', name: 'x' },
  key,
  columns,
  tenant: { column: 'org' },
});
const nodes = [node('Space', ['space_id'], { space_id: 'id' }), node('Slot', ['booking_id', 'slot_id'], { booking_id: 'booking' })];
const problemsOf = (find: Record<string, string>) => finderProblems(schema, nodes, find);
const [space, slot] = nodes as [AnnouncedNode, AnnouncedNode];

describe('the host’s finders', () => {
  it('are taken where they fit: by name, by column, in an object, in a list, through an interface', () => {
    for (const finder of [
      'space(id: $id)',
      'space(id: $key)',
      'space(id: $spaceId)',
      'spaceBy(by: { id: $id })',
      'spaceBy(by: { ids: [$id] })',
      'spaces(ids: [$id])',
      'thing(id: $id)',
      'size(size: $id)',
    ])
      expect(problemsOf({ Space: finder }), finder).toEqual([]);
    expect(problemsOf({ Slot: 'slot(bookingId: $booking, slotId: $slotId, at: "now")' })).toEqual([]);
    expect(problemsOf({ Slot: 'slot(bookingId: $bookingId, slotId: $slotId, at: "now")' })).toEqual([]);
  });

  it.each([
    ['Place', 'space(id: $id)', /isn't announced; the announced types are Space, Slot/],
    ['Space', 'space(id: $id', /can't be parsed: .*Write it like "space\(id: \$id\)"/],
    ['Space', 'space(id: $id) { name }', /no selection of fields/],
    ['Space', 'a: space(id: $id)', /no alias/],
    ['Space', 'space(id: $id) name', /single root field/],
    [
      'Space',
      'spce(id: $id)',
      /names the root field spce, which the schema doesn't have; root fields that return a single Space: space\(id: Int!\)/,
    ],
    ['Space', 'slot(bookingId: $id, slotId: $id, at: "")', /returns Slot instead of Space/],
    ['Space', 'name', /returns String instead of Space/],
    ['Space', 'space', /argument "id" of type "Int!" is required.*the arguments of space are \(id: Int!\)/],
    ['Space', 'space(key: $id)', /Unknown argument "key"/],
    [
      'Space',
      'space(id: $slug)',
      /uses \$slug, which Hookgraph doesn't supply; for Space it supplies \$id, \$spaceId, \$key, \$nodeId, \$nodeType/,
    ],
    ['Space', 'space(id: "x")', /Int cannot represent non-integer value: "x"/],
    ['Space', 'spaceBy(by: $id)', /passes \$id where the type By! is expected/],
    ['Space', 'spaces(ids: $id)', /passes \$id where the type \[Int!\] is expected/],
  ])('%s: %s', (typename, finder, message) => {
    const problems = problemsOf({ [typename]: finder });
    expect(problems.join('\n')).toMatch(message);
    expect(problems[0]).toContain(`find.${typename} ${JSON.stringify(finder)}`);
  });

  it('are told of all at once', () => {
    const problems = problemsOf({ Space: 'space(key: $slug)', Slot: 'slot(bookingId: $id)', Nothing: 'x' });
    expect(problems.length).toBeGreaterThanOrEqual(5);
  });
});

describe('the key as variables of a stored query', () => {
  (schema.getType('Serial') as GraphQLScalarType).parseValue = (value) => {
    if (typeof value !== 'number') throw new TypeError('a number, please');
    return value;
  };
  const check = (query: string, about: AnnouncedNode | null = space) =>
    checkQuery(schema, query, { fields: 100, depth: 10, cost: 1000 }, { node: about, topicKey: 'space/created' });
  const keysOf = (query: string, about?: AnnouncedNode) => check(query, about).problems ?? check(query, about).document !== undefined;

  it('has the declared type, built in or not', () => {
    const forms = (query: string, about?: AnnouncedNode) => {
      const checked = check(query, about);
      return checked.problems ?? checked.keys.map(({ name, part, form }) => [name, part, form]);
    };
    expect(forms('query ($id: Int!) { space(id: $id) { name } }')).toEqual([['id', 0, 'NUMBER']]);
    expect(forms('query ($key: UUID!) { thing(id: $key) { name } }')).toEqual([['key', 0, 'TEXT']]);
    expect(forms('query ($id: Size) { size(size: $id) { name } }')).toEqual([['id', 0, 'TEXT']]);
    // `Serial` is a scalar of the host that refuses text and accepts a number.
    expect(forms('query ($id: Serial!) { serial(serial: $id) { name } }')).toEqual([['id', 0, 'NUMBER']]);
    expect(
      forms('query ($nodeId: ID!, $booking: Int!, $slotId: Int!) { slot(bookingId: $booking, slotId: $slotId, at: "") { name } }', slot),
    ).toEqual([
      ['booking', 0, 'NUMBER'],
      ['slotId', 1, 'NUMBER'],
    ]);
  });

  it('is refused for what is not supplied, with a list of what is', () => {
    expect(keysOf('query ($slug: String!) { space(id: 1) { name } }')).toMatchObject([
      {
        message: expect.stringContaining(
          "declares $slug, which the server doesn't supply; for space/created it supplies $nodeId: ID!, $nodeType: String and, with the type that the query declares, $id, $spaceId, $key",
        ),
      },
    ]);
    expect(keysOf('query ($id: Int!) { slot(bookingId: $id, slotId: 1, at: "") { name } }', slot)).toMatchObject([
      { message: expect.stringContaining('$booking, $slotId, $bookingId') },
    ]);
    expect(keysOf('query ($id: [Int!]) { spaces(ids: $id) { name } }')).toMatchObject([
      { message: expect.stringContaining('declares $id as [Int!], but its value is a single scalar') },
    ]);
    expect(keysOf('query ($id: By!) { spaceBy(by: $id) { name } }')).toMatchObject([
      { message: expect.stringContaining('but its value is a single scalar') },
    ]);
    // The schema decides.
    expect(keysOf('query ($id: String!) { space(id: $id) { name } }')).toMatchObject([
      { message: expect.stringContaining('type "String!" used in position expecting type "Int!"') },
    ]);
    expect(check('query ($id: Int!) { space(id: $id) { name } }', null).problems).toMatchObject([
      { message: expect.stringContaining('it supplies $nodeId: ID! and $nodeType: String') },
    ]);
  });

  it('may be no size of a page', () => {
    expect(keysOf('query ($id: Int!) { spaces(limit: $id) { name } }')).toMatchObject([{ message: expect.stringContaining('costs ') }]);
  });
});

describe('the cost of pages by the host’s own arguments', () => {
  const pages = buildSchema(`
    input Paging { size: Int limit: Int }
    type Space { name: String slots(take: Int, perPage: Int): [Slot!]! all: [Slot!]! }
    type Slot { name: String }
    type Spaces { items: [Space!]! }
    type Query {
      spaces(limit: Int = 7, offset: Int): [Space!]! paged(pageSize: Int): Spaces inObject(paging: Paging): [Space!]!
      first(first: Int): [Space!]! page(rows: Int): [Space!]!
    }`);
  const cost = (query: string, pageArguments?: string[]) => {
    const { problems = [] } = checkQuery(pages, query, { fields: 100, depth: 10, cost: 0 }, { node: null, pageArguments });
    return Number(/costs (\d+)/.exec(problems[0]?.message ?? '')?.[1]);
  };

  it.each([
    ['{ spaces(limit: 10) { name } }', 11],
    ['{ spaces { name } }', 8],
    ['{ first(first: 10) { name } }', 11],
    ['{ paged(pageSize: 10) { items { name } } }', 12],
    ['{ spaces(limit: 10) { slots(take: 10) { name } } }', 1 + 10 * (1 + 10)],
    ['{ spaces(limit: 10) { slots(perPage: 10) { name } } }', 1 + 10 * (1 + 10)],
    ['{ inObject(paging: { limit: 10 }) { name } }', 11],
    // A list without a limit counts as a page of default size, whatever the limit of the list around it.
    ['{ spaces(limit: 1) { all { name } } }', 1 + 1 + 25],
    ['{ page(rows: 100) { name } }', 1 + 25],
  ])('%s', (query, expected) => {
    expect(cost(query)).toBe(expected);
  });

  it('are those that the host names', () => {
    expect(cost('{ page(rows: 100) { name } }', ['rows'])).toBe(101);
    expect(cost('{ inObject(paging: { size: 40 }) { name } }', ['size'])).toBe(41);
    expect(cost('{ spaces(limit: 100) { name } }', ['rows'])).toBe(1 + 25);
  });
});

it('a number is handed over as one only where it is exact', () => {
  for (const text of ['0', '1', '-17', '9007199254740991', '1.5', '1.50', '100', '-0', '0.0']) expect(isExact(text), text).toBe(true);
  for (const text of ['9007199254740993', '750727362669608961', '0.1234567890123456789', '12345678901234567890123.5'])
    expect(isExact(text), text).toBe(false);
});
