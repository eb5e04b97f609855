// Loads the sample product, which the package leaves out and which nothing else of Hookgraph knows.
import type { App } from '../api/index.js';
import type { Hookgraph, HookgraphOptions } from '../index.js';
import { RuntimeError } from '../runtime/runtime-error.js';

type Options = HookgraphOptions<object, never>;

/** What the faces ask of `src/sample/index.ts`. */
export interface Sample {
  openSample(
    options: { database: string; adminToken: string | null; operators: string[] } & Pick<Options, 'keys'> &
      Partial<Pick<Options, 'databaseSchema' | 'reloadKeys' | 'log' | 'queryTimeoutMs' | 'settings'>>,
  ): Promise<SampleApp>;
  createHooks(options: Pick<Options, 'database' | 'databaseSchema' | 'keys' | 'log'>): Pick<Hookgraph, 'ready' | 'webhooks' | 'close'>;
  tabs: App['tabs'];
  /** What a newcomer may try first. */
  first: { purpose: string; query: string };
  tellDemo(stage: DemoStage): Promise<void>;
  createSimulation(options: { ask: Ask; seed: number }): { act(): Promise<string> };
}

export interface SampleApp extends Pick<App, 'pool' | 'schema' | 'webhooks' | 'authenticate' | 'contextOf'> {
  /** Brings topics and triggers in step with the nodes. */
  prepare(): Promise<void>;
  /** Makes the sample data once; `adminToken` is `null` where only its maker knows it. */
  seed(): Promise<{ adminToken: string | null }>;
  close(): Promise<void>;
}

/** Answers `data`; throws where there is none. */
// biome-ignore lint/suspicious/noExplicitAny: each caller reads what it asked for.
export type Ask = (query: string, variables?: Record<string, unknown>) => Promise<any>;

export interface DemoStage {
  ask: Ask;
  headerPrefix: string;
  say(line: string): void;
  receiver: { url: string; requests: { headers: Record<string, string | string[] | undefined>; body: string }[] };
  /** Called in the end, the last one first. */
  closing: (() => Promise<unknown>)[];
}

/** No literal, so that everything builds without it. */
const SAMPLE: string = '../sample/index.js';

/** @throws RuntimeError `APP_MISSING` where there is none */
export async function loadSample(): Promise<Sample> {
  return (await import(SAMPLE).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new RuntimeError('APP_MISSING', 'This package has no application of its own', 'Name yours: `--app ./hookgraph.ts`.', { cause });
  })) as Sample;
}
