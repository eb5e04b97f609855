// Runs a seeded sequence of faults, and checks the books after each.
import { setTimeout as wait } from 'node:timers/promises';
import { checkBooks, untilQuiet } from './books.js';
import { enableAll, FAULTS } from './faults.js';
import { createRandom, pick } from './random.js';
import { type Server, startWorld } from './world.js';

export interface ChaosOptions {
  server: Server;
  seed: number;
  /** The names of the faults to choose from. */
  faults: string[];
  /** Called before each fault; `true` stops the run. */
  isOver(steps: number): boolean;
  organizations?: number;
  workers?: number;
  writers?: number;
  /** Minimum and maximum milliseconds that a fault lasts. */
  lastsMs?: { least: number; most: number };
  /** Whether the world also has subscriptions to SNS, before-hooks and a second host. Default: false. */
  isWhole?: boolean;
  say?(line: string): void;
}

export interface ChaosResult {
  steps: string[];
  /** The contradictions that were found; empty when there are none. */
  findings: string[];
  events: number;
  requests: number;
}

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const {
    server,
    seed,
    faults,
    isOver,
    organizations = 3,
    workers = 2,
    writers = 3,
    lastsMs = { least: 1_000, most: 8_000 },
    isWhole = false,
    say = () => {},
  } = options;
  const order = createRandom(seed);
  const world = await startWorld({ server, seed, organizations, workers, writers, isWhole });
  if (isWhole && !world.host) say('There is no second host: it needs Linux, `ip` and the rights of root.');
  const steps: string[] = [];
  let findings: string[] = [];
  try {
    // Each fault comes once before any fault comes again, in an order that the seed decides.
    let left: string[] = [];
    while (!isOver(steps.length) && findings.length === 0) {
      if (left.length === 0) left = [...faults];
      const name = pick(order, left);
      left = left.filter((one) => one !== name);
      const forMs = lastsMs.least + order(lastsMs.most - lastsMs.least + 1);
      steps.push(name);
      const fault = FAULTS[name];
      if (!fault) throw new Error(`There is no fault ${name}.`);
      say(`${String(steps.length).padStart(3)}. ${name}: ${fault.what}`);
      world.writers.resume();
      world.gated?.resume();
      await wait(200 + order(300));
      try {
        await fault.run(world, forMs);
        await Promise.all([world.writers.pause(), world.gated?.pause()]);
        await enableAll(world);
        await untilQuiet(world);
        findings = await checkBooks(world);
      } catch (error) {
        findings = [(error as Error).message];
      }
      for (const finding of findings) say(`     ${finding}`);
    }
    const { rows } = await world.pool.query<{ count: number }>('SELECT count(*)::int AS count FROM hookgraph.events');
    return { steps, findings, events: rows[0]?.count ?? 0, requests: world.receivers.requests.length };
  } finally {
    await world.close();
  }
}
