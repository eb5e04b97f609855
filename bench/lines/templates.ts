// Measures deliveries per second from a backlog that passes a validation template and a body template of 1 KB.
import { QUERY, TEMPLATE, VALIDATION } from '../baseline/stored.js';
import type { Line } from '../frame.js';
import { startReceiver } from '../world.js';
import { drainDeliveries } from './backlog.js';
import { DELIVERIES, dueQueries, queryJobs, runLoop } from './stored-query.js';

export const templates: Line = {
  key: 'templates',
  title: 'Stored query, validation and a body template of 1 KB, a backlog of 10,000',
  method: `As for the stored query, with a validation template and a body template of ${TEMPLATE.length} characters. Hookgraph renders them in separate processes. The loop executes the document and renders both templates, parsed once, 100 at a time in its own process, and does nothing else.`,
  async prepare(bench) {
    const receiver = await startReceiver();
    const due = await dueQueries(bench, receiver, { query: QUERY, validationTemplate: VALIDATION, template: TEMPLATE });
    const people = await queryJobs(bench);
    return {
      variants: [
        { name: 'Hookgraph', measure: () => drainDeliveries(bench, receiver, due, DELIVERIES) },
        { name: 'loop that executes and renders', measure: () => runLoop(people, 'render-loop.ts') },
      ],
      bars: [
        {
          what: 'against a loop that executes and renders',
          metric: 'perSecond',
          of: 'Hookgraph',
          against: 'loop that executes and renders',
          atLeast: 0.6,
        },
      ],
      async close() {
        await receiver.stop();
        await Promise.all([due.drop(), people.drop()]);
      },
    };
  },
};
