// Orders the test files: the longest begin first, so that near the end no worker is left with a long file while the others are idle.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take the longest, in the order of a run on two busy cores. */
const LONG = [
  'the-examples-run',
  'our-own-outage-charges-nobody',
  'cli/serve',
  'five-thousand-writes-three-kills',
  'a-stranger-installs-the-package',
  'console/form',
  'operators-are-warned',
  'console/every-page',
  'console/history',
  'embedded-postgres',
  'beside-prisma-migrate',
  'npm-start',
  'adding-a-node-type',
  'workers-share-the-work',
  'secrets-stay-secret',
  'capture-that-ends-is-noticed',
  'a-short-outage-switches-nobody-off',
  'capture-out-of-step',
  'templates/renderer',
  'the-database-goes-silent',
  'a-subscription-switches-itself-off',
  'digits-are-kept',
  'console/webhooks',
  'the-sample-can-be-deleted',
  'the-tenancy-walk',
  'a-before-hook-holds-nothing',
  'the-demo',
  'the-explorer',
  'before-hooks-refuse-a-write',
  'sigterm-drains',
  'a-rate-limit-switches-nobody-off',
  'console/organization',
  'console/webhook',
  'init-schemas',
  'cli/main',
  'hookgraph/metrics',
  'templates-read-the-event',
  'architecture',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const index = LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return index < 0 ? LONG.length : index;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}
