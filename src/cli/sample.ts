// Loads the sample product (`src/sample`), which isn't part of the published package. No other file imports it.
import type { App } from '../api/index.js';
import type { Hookgraph, HookgraphOptions } from '../index.js';
import { RuntimeError } from '../runtime/runtime-error.js';

type Options = HookgraphOptions<object, never>;

/** The exports of `src/sample/index.ts` that the command line uses. */
export interface Sample {
  openSample(
    options: { database: string; adminToken: string | null; operators: string[] } & Pick<Options, 'keys'> &
      Partial<Pick<Options, 'databaseSchema' | 'reloadKeys' | 'log' | 'queryTimeoutMs' | 'settings'>>,
  ): Promise<SampleApp>;
  createHooks(options: Pick<Options, 'database' | 'databaseSchema' | 'keys' | 'log'>): Pick<Hookgraph, 'ready' | 'webhooks' | 'close'>;
  tabs: App['tabs'];
  /** The first suggestions of `npm start`: a topic to listen to, and a query that causes an event of this topic. */
  first: { topic: string; purpose: string; query: string };
  runGuide(stage: DemoStage): Promise<void>;
  createSimulation(options: { ask: Ask; seed: number }): { act(): Promise<string> };
}

export interface SampleApp extends Pick<App, 'pool' | 'schema' | 'webhooks' | 'authenticate' | 'contextOf'> {
  monitor: Hookgraph['monitor'];
  /** Updates topics and triggers to match the announced nodes. */
  prepare(): Promise<void>;
  /** Creates the sample data if there is none. `adminToken` is `null` when the data existed and the token isn't known. */
  seed(): Promise<{ adminToken: string | null }>;
  /** Creates an organization with an admin, and returns the admin's API token. Creates nothing if a value is taken, and returns which. */
  makeOrganization(organization: {
    name: string;
    permalink: string;
    admin: string;
    token: string | null;
  }): Promise<{ token: string } | { taken: 'permalink' | 'token' }>;
  hasOrganization(): Promise<boolean>;
  close(): Promise<void>;
}

/** Runs an operation and returns the response's `data`; throws when the response has errors. */
// biome-ignore lint/suspicious/noExplicitAny: the type depends on the caller's query.
export type Ask = (query: string, variables?: Record<string, unknown>) => Promise<any>;

export interface DemoStage {
  ask: Ask;
  headerPrefix: string;
  say(line: string): void;
  receiver: { url: string; requests: { headers: Record<string, string | string[] | undefined>; body: string }[] };
  /** Functions that clean up after the demo. They are called at its end, in reverse order. */
  closing: (() => Promise<unknown>)[];
}

/** Typed as `string`, not as a literal: the compiler would check that a literal path exists, and `src/sample` may be deleted. */
const SAMPLE: string = '../sample/index.js';

/** Imports the sample product. @throws RuntimeError `APP_MISSING` when the package doesn't contain it */
export async function loadSample(): Promise<Sample> {
  return (await import(SAMPLE).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new RuntimeError(
      'APP_MISSING',
      'This package contains no sample product, so no application is known',
      'Pass your application: `--app ./hookgraph.ts`.',
      { cause },
    );
  })) as Sample;
}
