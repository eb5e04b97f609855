import { expect, it } from 'vitest';
import { inSteps, StepSize } from '../../../../src/webhooks/base/store/steps.js';

it('takes smaller steps after one that failed, and gives up on an error that a smaller step has, too', async () => {
  const [sizes, size]: [number[], StepSize] = [[], new StepSize()];
  const step = async (rows: number) => {
    sizes.push(rows);
    if (rows > 300) throw Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' });
    return { found: 5, moved: { a: 5 } };
  };
  expect(await inSteps(step, { size })).toEqual(new Map([['a', 5]]));
  expect(sizes).toEqual([1000, 500, 250]);
  expect(size.rows).toBeLessThan(400);
  await expect(inSteps(() => Promise.reject(new Error('no')), { size })).rejects.toThrow('no');
  const never = () => Promise.reject(Object.assign(new Error('never'), { code: '57014' }));
  await expect(inSteps(never, { withinMs: Number.POSITIVE_INFINITY, size })).rejects.toThrow('never');
});
