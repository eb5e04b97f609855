// Writes the adopter's TypeScript or JavaScript file from a proposal. The file works unchanged; comments in it mark the
// places where the user must decide.

import pg from 'pg';
import type { Candidate } from './find-candidates.js';
import type { UserTable } from './find-user-table.js';
import { lowerFirst } from './names.js';
import { nameOf, type Proposal, type ProposedTable, statusOf } from './propose.js';

/** The application's modules that the file imports. */
export interface Imports {
  typescript: boolean;
  /**
   * The export with the application's GraphQL schema: `null` when no module exports it, `undefined` when the application
   * has no schema.
   */
  schema: { name: string; from: string } | null | undefined;
  prisma: { client: string; models: string } | null;
  prefix?: string;
}

export interface Edit {
  line: number;
  /** The decision or code that the user must add at this line. */
  what: string;
}

export interface WrittenFile {
  text: string;
  edits: Edit[];
}

const MARK = 'EDIT';

export function writeFile(proposal: Proposal, imports: Imports): WrittenFile {
  const edits: string[] = [];
  /** Returns a numbered comment that marks a place to edit; the terminal lists the same text. */
  const edit = (what: string) => {
    edits.push(what);
    return `// ${MARK} ${edits.length}: ${what}.`;
  };
  const parts = [
    head(imports),
    ...(imports.schema === null ? [ownSchema(imports, edit)] : []),
    person(proposal.userTable, imports, edit),
    hooks(proposal, imports, edit),
  ];
  const text = `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
  const lines = text.split('\n');
  return { text, edits: edits.map((what, at) => ({ line: 1 + lines.findIndex((line) => line.includes(`${MARK} ${at + 1}:`)), what })) };
}

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;

const property = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name));

function head({ typescript, schema, prisma }: Imports): string[] {
  return [
    '// Connects this application to Hookgraph. Written by `hookgraph init`; change it as you need.',
    ...(prisma ? [`import { PrismaPg } from '@prisma/adapter-pg';`] : []),
    ...(schema === null && typescript ? [`import type { GraphQLSchema } from 'graphql';`] : []),
    `import { createHookgraph } from 'hookgraph';`,
    ...(prisma
      ? [
          `import { fromPrisma } from 'hookgraph/prisma';`,
          `import { Prisma, PrismaClient } from ${quote(prisma.client)};`,
          `import { models } from ${quote(prisma.models)};`,
        ]
      : [`import pg from 'pg';`]),
    ...(schema ? [`import { ${schema.name === 'default' ? 'default as ownSchema' : schema.name} } from ${quote(schema.from)};`] : []),
    '',
    prisma
      ? 'const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) });'
      : 'export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });',
  ];
}

function ownSchema({ typescript }: Imports, edit: (what: string) => string): string[] {
  return [
    edit('import your executable GraphQLSchema and return it here'),
    `function ownSchema()${typescript ? ': GraphQLSchema' : ''} {`,
    `  throw new Error('Import your executable GraphQLSchema in this file, and let ownSchema() return it.');`,
    '}',
  ];
}

/** Returns the file's lines with the type of a signed-in user, and with the function that looks the user up. */
function person(userTable: UserTable | null, { typescript, prisma, schema }: Imports, edit: (what: string) => string): string[] {
  const types = typescript
    ? [
        'interface Person {',
        '  userId: string;',
        '  tenant: string;',
        '  mayManage: boolean;',
        '}',
        '',
        ...(schema === undefined
          ? []
          : [edit('add the fields that your resolvers read from their context; `signIn` and `context` return such a context')]),
        'interface Context {',
        ...(prisma ? ['  prisma: PrismaClient;'] : []),
        '  person: Person | null;',
        '}',
      ]
    : schema === undefined
      ? []
      : [edit('your resolvers get { person } as their context; let `signIn` and `context` add the other fields that they read')];
  if (!userTable) return types;
  return [
    ...types,
    ...(types.length > 0 ? [''] : []),
    ...(prisma ? prismaLookUp(userTable, typescript) : sqlLookUp(userTable, typescript)),
  ];
}

/**
 * Quotes a name for SQL, because it may be a reserved word. Leaves `id` unquoted, and words joined by underscores that don't begin
 * with current_ or session_.
 */
const identifier = (name: string): string =>
  name === 'id' || (/^[a-z][a-z0-9]*(_[a-z0-9]+)+$/.test(name) && !/^(current_|session_)/.test(name)) ? name : pg.escapeIdentifier(name);

const inTemplate = (text: string): string => text.replace(/[`\\]|\$\{/g, '\\$&');

const sqlName = ({ schema, name }: Candidate['table']): string =>
  schema === 'public' ? identifier(name) : `${identifier(schema)}.${identifier(name)}`;

function sqlLookUp({ table, user, tenant, mayManage }: UserTable, typescript: boolean): string[] {
  const manages = mayManage
    ? mayManage.oneOf
      ? `${identifier(mayManage.column)} IN (${mayManage.oneOf.map((label) => `'${label.replaceAll("'", "''")}'`).join(', ')})`
      : identifier(mayManage.column)
    : 'false';
  const sql = `SELECT ${identifier(user)}::text AS "userId", ${identifier(tenant)}::text AS tenant, ${manages} AS "mayManage" FROM ${sqlName(table.table)}`;
  return [
    `const PERSON = \`${inTemplate(sql)}\`;`,
    '/** Returns `null` when this person does not, or no longer, belong to the tenant. */',
    typescript
      ? 'async function findPerson(pool: pg.Pool, userId: string, tenant: string): Promise<Person | null> {'
      : 'async function findPerson(pool, userId, tenant) {',
    `  const { rows } = await pool.query(\`\${PERSON} WHERE ${inTemplate(`${identifier(user)} = $1 AND ${identifier(tenant)} = $2`)}\`, [userId, tenant]);`,
    '  return rows[0] ?? null;',
    '}',
  ];
}

function prismaLookUp({ table, user, tenant, mayManage }: UserTable, typescript: boolean): string[] {
  const given = (column: string, name: string) => {
    const type = table.table.columns.find((one) => one.name === column)?.type ?? 'text';
    if (/^int[24]$/.test(type)) return `Number(${name})`;
    return type === 'int8' ? `BigInt(${name})` : name;
  };
  const stored = (label: string) =>
    Object.entries(table.model?.enums?.[mayManage?.column ?? ''] ?? {}).find(([, value]) => value === label)?.[0] ?? label;
  const field = mayManage && nameOf(table, mayManage.column);
  const manages = mayManage?.oneOf
    ? mayManage.oneOf.map((label) => `found.${field} === ${quote(stored(label))}`).join(' || ')
    : field
      ? `found.${field} === true`
      : 'false';
  const where = [
    ...new Map([
      [nameOf(table, user), given(user, 'userId')],
      [nameOf(table, tenant), given(tenant, 'tenant')],
    ]),
  ];
  return [
    '/** Returns `null` when this person does not, or no longer, belong to the tenant. */',
    typescript
      ? 'async function findPerson(prisma: PrismaClient, userId: string, tenant: string): Promise<Person | null> {'
      : 'async function findPerson(prisma, userId, tenant) {',
    `  const found = await prisma.${lowerFirst(table.typename)}.findFirst({ where: { ${where.map(([name, value]) => `${property(name)}: ${value}`).join(', ')} } });`,
    `  return found && { userId, tenant, mayManage: ${manages} };`,
    '}',
  ];
}

function hooks(proposal: Proposal, imports: Imports, edit: (what: string) => string): string[] {
  const { schema, prisma, prefix, typescript } = imports;
  const { tables, userTable } = proposal;
  const found = tables.filter(({ find }) => typeof find === 'string' && find !== 'node');
  const contextOf = (who: string) => (prisma ? `{ prisma, person: ${who} }` : `{ person: ${who} }`);
  return [
    'export const hooks = createHookgraph({',
    `  database: ${prisma ? "process.env.DATABASE_URL ?? ''" : 'pool'},`,
    "  keys: process.env.HOOKGRAPH_ENCRYPTION_KEYS ?? '',",
    ...(schema === undefined
      ? []
      : [
          `  schema: ${schema === null ? 'ownSchema()' : schema.name === 'default' ? 'ownSchema' : schema.name === 'schema' ? '' : schema.name},`.replace(
            'schema: ,',
            'schema,',
          ),
        ]),
    ...(prisma ? ['  source: fromPrisma({ models, Prisma, client: (adapter) => new PrismaClient({ adapter }) }),'] : []),
    ...(prefix === undefined ? [] : [`  prefix: ${quote(prefix)},`]),
    '  tables: {',
    ...tableLines(proposal).map((line) => `    ${line}`),
    '  },',
    ...(found.length > 0
      ? ['  find: {', ...found.map(({ candidate, find }) => `    ${property(candidate.typename)}: ${quote(find as string)},`), '  },']
      : []),
    ...signIn(userTable, prisma !== null, edit).map((line) => `  ${line}`),
    ...context(userTable, { typescript, edit, contextOf, prisma: prisma !== null }).map((line) => `  ${line}`),
    `  actor: ({ person }${typescript ? ': Context' : ''}) => person && { tenant: person.tenant, userId: person.userId, canManageWebhooks: person.mayManage },`,
    '  // Private networks that deliveries may reach, e.g. 127.0.0.0/8 during development.',
    "  settings: { allowedNetworks: process.env.HOOKGRAPH_ALLOWED_NETWORKS?.split(',') ?? [] },",
    '});',
  ];
}

function signIn(userTable: UserTable | null, prisma: boolean, edit: (what: string) => string): string[] {
  const says = '// Makes the context in which a stored query runs, as the owner of the subscription, on read-only connections.';
  if (!userTable)
    return [
      says,
      edit('return the context of this person of this tenant, or null when the person may no longer read'),
      '// Until then every owner counts as deleted, and nothing is sent. The arguments are ({ tenant, userId }, reader).',
      'signIn: async () => null,',
    ];
  const [reader, context] = prisma ? ['prisma', '{ prisma, person }'] : ['pool', '{ person }'];
  return [
    says,
    `signIn: async ({ tenant, userId }, { ${reader} }) => {`,
    `  const person = await findPerson(${reader}, userId, tenant);`,
    `  return person && ${context};`,
    '},',
  ];
}

interface ContextOptions {
  typescript: boolean;
  prisma: boolean;
  edit(what: string): string;
  contextOf(who: string): string;
}

function context(userTable: UserTable | null, { typescript, prisma, edit, contextOf }: ContextOptions): string[] {
  const result = typescript ? ': Promise<Context>' : '';
  const manages = userTable && !userTable.mayManage ? '; set `mayManage` for people who may manage webhooks' : '';
  if (userTable?.token && !prisma) {
    return [
      '// Makes the context of a request to the API.',
      ...(manages ? [edit(manages.slice(2))] : []),
      `context: async (request${typescript ? ': Request' : ''})${result} => {`,
      `  const key = request.headers.get('authorization')?.replace(/^Bearer /, '');`,
      `  const { rows } = await pool.query(\`\${PERSON} WHERE ${inTemplate(identifier(userTable.token))} = $1\`, [key]);`,
      `  return ${contextOf('rows[0] ?? null')};`,
      '},',
    ];
  }
  const example = userTable ? `, for instance findPerson(${prisma ? 'prisma' : 'pool'}, session.userId, session.tenant)` : '';
  return [
    edit(`look up the person who sent \`request\`${example}${manages}`),
    '// Until then every request is anonymous.',
    `context: async (_request${typescript ? ': Request' : ''})${result} => (${contextOf('null')}),`,
  ];
}

function tableLines({ defaults, tables, open }: Proposal): string[] {
  const given = Object.entries(defaults).map(([name, value]) => `${name}: ${quote(String(value))}`);
  return [
    ...(given.length > 0 ? [`defaults: { ${given.join(', ')} },`] : []),
    ...tables.flatMap(tableLine),
    ...open.map(({ candidate, why, choices }) => {
      const could = choices.map(({ other }) => `tenant: { of: ${quote(other?.typename ?? '')} }`);
      return `// The tenant of ${candidate.typename} is unknown: ${oneLine(why)}. Set tenant: '<column>', ${[...could, 'or tenant: { sql }'].join(', ')}: ${property(candidate.typename)}: { … }`;
    }),
  ];
}

/** Puts a reason on one line, because a line break would end the generated comment. */
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').replace(/\.$/, '');

function tableLine(table: ProposedTable): string[] {
  const { options, candidate } = table;
  const written = Object.entries(options).map(([name, value]) => `${name}: ${writeValue(value)}`);
  const status = statusOf(table);
  return [
    `${property(candidate.typename)}: {${written.length > 0 ? ` ${written.join(', ')} ` : ''}},`,
    ...(status
      ? [`// Adds a topic for this status: when: { ${quote(status.topic)}: { ${property(status.field)}: ${quote(status.value)} } }`]
      : []),
  ];
}

function writeValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(writeValue).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([name, inner]) => `${property(name)}: ${writeValue(inner)}`)
      .join(', ')} }`;
  return quote(String(value));
}
