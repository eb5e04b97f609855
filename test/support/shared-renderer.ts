// Lets the engines of this process share render processes, because starting one takes as much CPU as a small test.
import type { Engine } from '../../src/webhooks/base/engine.js';
import { createRenderer, type Renderer } from '../../src/webhooks/base/templates/renderer.js';

let shared: Renderer | undefined;

/** Returns the shared renderer. It needn't be closed: its processes end with this process, and don't keep it alive. */
export const sharedRenderer = (): Renderer => (shared ??= createRenderer());

/** Makes the engine use the shared renderer. Call it before the engine renders, and not in tests of what happens to the processes. */
export function shareRenderer(engine: Engine): void {
  engine.renderer = sharedRenderer();
}
