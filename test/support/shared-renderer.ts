// Lets the engines of this process share render processes, because starting one takes as much CPU as a small test.
import type { Engine } from '../../src/webhooks/base/engine.js';
import { createRenderer, type Renderer } from '../../src/webhooks/base/templates/renderer.js';

let shared: Renderer | undefined;

/** Its processes end with this process, and do not keep it alive, so nobody closes it. */
export const sharedRenderer = (): Renderer => (shared ??= createRenderer());

/** To be called before the engine renders. Not for tests of what happens to the processes. */
export function shareRenderer(engine: Engine): void {
  engine.renderer = sharedRenderer();
}
