// Orders the test files: the longest begin first, so that no worker still runs one of them when the others have nothing left to do.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take more than half a minute, the longest first. */
const LONG = [
  'the-examples-run',
  'npm-start',
  'a-stranger-installs-the-package',
  'the-sample-can-be-deleted',
  'our-own-outage-charges-nobody',
  'a-short-outage-switches-nobody-off',
  'a-rate-limit-switches-nobody-off',
  'operators-are-warned',
  'templates-read-the-event',
  'adding-a-node-type',
  'five-thousand-writes-three-kills',
  'sigterm-drains',
  'watch-capture',
  'embedded-postgres',
  'capture-that-ends-is-noticed',
  'the-demo',
  'beside-prisma-migrate',
  'init-schemas',
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
