// Exports the parts of the sample product that the command line uses.

export { openSample } from './app.js';
export { runGuide } from './demo.js';
export { TABS as tabs } from './explorer-tabs.js';
export { FIRST as first } from './guide.js';
export { createHooks } from './hookgraph.js';
export { createSimulation } from './simulation.js';
