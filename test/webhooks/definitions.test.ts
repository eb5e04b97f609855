// Tests that many definitions are compiled in turns with other work, not in one stretch.
import { expect, it } from 'vitest';
import { createDefinitions } from '../../src/webhooks/definitions.js';
import { startEngineWorld } from '../support/engine-world.js';

it('lets the event loop go on between the definitions that a worker compiles when it starts', async () => {
  const world = await startEngineWorld();
  try {
    // Checking twenty of these queries takes longer than one turn of an organization, even on a fast machine.
    const names = Array.from({ length: 95 }, (_, index) => `a${index}: name`).join(' ');
    const query = `query ($nodeId: ID!) { node(id: $nodeId) { ... on Thing { ${names} } } }`;
    const requested = [];
    for (let count = 0; count < 20; count++) requested.push({ subscriptionId: await world.subscribe({ query }), version: 1 });
    let iterations = 0;
    const compiledIn = new Set<number>();
    const { engine } = world.webhooks;
    const schema = () => {
      compiledIn.add(iterations);
      return engine.host.schema();
    };
    const host = { ...engine.host, schema };
    const count = () => {
      iterations += 1;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    const prepared = await createDefinitions({ ...engine, host }).prepare(requested);
    clearImmediate(next);
    expect(prepared.size).toBe(20);
    expect(compiledIn.size).toBeGreaterThan(1);
  } finally {
    await world.close();
  }
});
