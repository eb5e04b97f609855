// The staircase of ARCHITECTURE.md as rules: `npm run architecture`; test/architecture.test.ts plants what each must refuse.

/** From the ground up; a room imports only from floors below its own. */
const FLOORS = [['generated'], ['runtime'], ['webhooks'], ['graphql', 'sources', 'worker'], ['hookgraph'], ['auth'], ['api'], ['cli']];
const STAGES = 'capture|fan-out|gate|lease|payload|request|destinations|verdict';

const path = (rooms) => `^src/(${rooms.join('|')})(/|$)`;

/** Rooms with a stricter rule of their own. */
const STRICTER = ['graphql', 'sources'];

const upwards = FLOORS.slice(0, -1).map((rooms, floor) => ({
  name: `no-way-up-from-${rooms.join('-')}`,
  comment: 'Import only from floors below.',
  severity: 'error',
  from: { path: path(rooms.filter((room) => !STRICTER.includes(room))) },
  to: { path: path(FLOORS.slice(floor + 1).flat()) },
}));

const between = (rooms) =>
  rooms.map((room) => ({
    name: `no-neighbour-of-${room}`,
    comment: 'Rooms of one floor do not know each other.',
    severity: 'error',
    from: { path: path([room]) },
    to: { path: path(rooms.filter((other) => other !== room)) },
  }));

export default {
  forbidden: [
    ...upwards,
    ...between(['api', 'worker']),
    {
      name: 'no-cycle',
      comment: 'Data flows one way.',
      severity: 'error',
      from: { pathNot: '^src/console/pages/' },
      to: { circular: true },
    },
    {
      name: 'no-cycle-of-pages',
      comment: 'A route loads its page when it is first opened, and the page reads the search parameters that the route declares.',
      severity: 'error',
      from: { path: '^src/console/pages/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['dynamic-import'] } },
    },
    {
      name: 'through-the-door',
      comment: 'A room is entered through its index.ts where it has one; the declared fields of a subscription load no part of the engine.',
      severity: 'error',
      from: { path: '^src/(?:(verify|webhooks|api|worker)/)?', pathNot: ['^src/generated/', '^src/(graphql|sources|auth)/'] },
      to: { path: '^src/(verify|webhooks|api|worker)/', pathNot: ['^src/[^/]+/index\\.ts$', '^src/webhooks/fields\\.ts$', '^src/$1/'] },
    },
    {
      name: 'fields-load-no-engine',
      comment: 'The command line reads the declared fields at every start, so they load data and pure functions alone.',
      severity: 'error',
      from: { path: '^src/webhooks/(fields\\.ts$|base/fields/|destinations/[^/]+/field\\.ts$)' },
      to: {
        path: ['^src/', 'node_modules/'],
        pathNot: [
          '^src/webhooks/operations/why-not-codes\\.ts$',
          '^src/webhooks/base/(fields/|(model|stages|recording/mask-path)\\.ts$)',
          '^src/webhooks/destinations/([^/]+/(field|definition|access|check)|draft|registry)\\.ts$',
        ],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'registry-loads-no-client',
      comment: 'The command line reads the registry, too: a kind loads its SDK or HTTP client with the first message.',
      severity: 'error',
      from: { path: '^src/webhooks/destinations/(registry|[^/]+/(index|check|message|sender|options))\\.ts$' },
      to: {
        path: ['node_modules/(undici|pg|@aws-sdk|@smithy)', '^src/webhooks/destinations/https/https\\.ts$'],
        dependencyTypesNot: ['type-only', 'dynamic-import'],
      },
    },
    {
      name: 'stages-apart',
      comment: 'Stages never import each other: only journey.ts knows the order.',
      severity: 'error',
      from: { path: `^src/webhooks/(${STAGES})/`, pathNot: '^src/webhooks/destinations/https/' },
      to: { path: `^src/webhooks/(${STAGES})/`, pathNot: '^src/webhooks/$1/' },
    },
    {
      name: 'https-alone-signs',
      comment: 'HTTPS is the destination whose messages are requests, so it alone uses `request/`.',
      severity: 'error',
      from: { path: '^src/webhooks/destinations/https/' },
      to: { path: `^src/webhooks/(${STAGES})/`, pathNot: '^src/webhooks/(destinations|request)/' },
    },
    {
      name: 'stages-know-base-alone',
      comment: 'A stage stands on base; what joins the stages is above it.',
      severity: 'error',
      from: { path: `^src/webhooks/(${STAGES})/` },
      to: { path: '^src/webhooks/[^/]+\\.ts$' },
    },
    {
      name: 'base-knows-no-stage',
      comment: 'base is what the stages stand on.',
      severity: 'error',
      from: { path: '^src/webhooks/base/' },
      to: { path: '^src/webhooks/', pathNot: '^src/webhooks/base/' },
    },
    {
      name: 'engine-knows-no-domain',
      comment: 'The engine names neither Pothos nor Prisma nor a domain model.',
      severity: 'error',
      from: { path: '^src/webhooks/' },
      to: { path: ['^src/generated/', 'node_modules/@?(prisma|pothos)', '^@?(prisma|pothos)'] },
    },
    {
      name: 'engine-knows-no-metrics-library',
      comment: 'The engine reports to its meter; who counts is above it.',
      severity: 'error',
      from: { path: '^src/webhooks/' },
      to: { path: ['^src/runtime/metrics/', 'node_modules/prom-client', '^prom-client'] },
    },
    {
      name: 'graphql-knows-no-host',
      comment: 'Our API is a schema of its own, for any host: it names no ORM, nothing generated, no source, no sign-in, no sample.',
      severity: 'error',
      from: { path: '^src/graphql/' },
      to: {
        path: [
          '^src/(generated|sample|sources|auth|worker|hookgraph|api|cli)(/|$)',
          'node_modules/@?prisma',
          '^@?prisma',
          '@pothos/plugin-(prisma|scope-auth)',
        ],
      },
    },
    {
      name: 'nobody-knows-the-sample',
      comment: 'The sample product can be deleted: everything else builds and passes without it.',
      severity: 'error',
      // The other rooms have stricter rules of their own.
      from: { path: ['^src/index\\.ts$', '^src/(runtime|worker|hookgraph|auth|api|cli)/'] },
      to: { path: '^src/(sample|generated)/' },
    },
    {
      name: 'the-sample-is-an-adopter',
      comment: 'The sample product uses what any adopter has, and the sign-in of the product that runs by itself.',
      severity: 'error',
      from: { path: '^src/sample/' },
      to: { path: '^src/', pathNot: ['^src/(sample|auth|generated)/', '^src/index\\.ts$', '^src/sources/prisma/index\\.ts$'] },
    },
    {
      name: 'sources-are-a-library',
      comment: 'A source works for any application: it knows the engine by its door, and neither ours nor anything generated.',
      severity: 'error',
      from: { path: '^src/sources/' },
      to: { path: '^src/', pathNot: ['^src/sources/', '^src/runtime/', '^src/webhooks/index\\.ts$'] },
    },
    {
      name: 'prisma-stays-inside',
      comment: 'Whoever adopts Hookgraph without Prisma has none of its packages.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(generated|sample|graphql)/', '^src/sources/prisma/'] },
      to: { path: ['^src/sources/prisma/', 'node_modules/@?prisma', '^@?prisma'] },
    },
    {
      name: 'verify-stands-alone',
      comment: 'Receivers install it: nothing of the server, and no dependency but node:crypto.',
      severity: 'error',
      from: { path: '^src/verify/' },
      to: { pathNot: ['^src/verify/', '^(node:)?crypto$'] },
    },
    {
      name: 'console-stands-alone',
      comment: 'The console runs in a browser and talks to the API only: it knows nothing of the server but the types of the API.',
      severity: 'error',
      from: { path: '^src/console/' },
      to: { path: ['^src/', '^node:'], pathNot: '^src/(console/|generated/console/)' },
    },
    {
      name: 'console-is-built-apart',
      comment: 'The server serves the built console, and loads none of its code.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/console/' },
      to: { path: '^src/(console|generated/console)/' },
    },
    {
      name: 'console-kit-knows-no-api',
      comment: 'Components take plain values, so that every page can use them.',
      severity: 'error',
      from: { path: '^src/console/kit/' },
      to: { path: '^src/console/', pathNot: '^src/console/kit/' },
    },
    { name: 'no-tests-in-src', severity: 'error', from: { path: '^src/' }, to: { path: '^(test|scripts|bench)/' } },
    { name: 'resolvable', severity: 'error', from: { path: '^src/' }, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^src/generated/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: new URL('tsconfig.json', import.meta.url).pathname },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
