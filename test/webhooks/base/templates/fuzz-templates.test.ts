// Renders random Liquid with random data, many at a time in shared processes: each gets an answer in time, without others' data.
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { listLiquid } from '../../../../src/webhooks/base/templates/liquid.mjs';
import { createRenderer } from '../../../../src/webhooks/base/templates/renderer.js';
import { until } from '../../../support/until.js';

/** The seed of the run. To repeat a failed run, put the seed here that fast-check printed. */
const SEED = 20_261_125;
const PLANTED = 'planted-8c1f';
process.env.HOOKGRAPH_PLANTED = PLANTED;
(globalThis as Record<string, unknown>).planted = PLANTED;

const renderer = createRenderer({ fastProcesses: 1 });
afterAll(() => renderer.close());

const { filters } = listLiquid();
const name = fc.constantFrom(
  'data',
  'i',
  'x',
  'l',
  '__proto__',
  'constructor',
  'planted',
  'process',
  'forloop',
  'tablerowloop',
  'size',
  'globalThis',
);
const literal = fc.oneof(
  fc.constantFrom('0', '-1', '1.5', '99999999999', '1e400', 'nil', 'true', 'empty', 'blank', '""', "'%s %N %c'", '(1..9)', '(1..x)'),
  fc.string({ maxLength: 8 }).map((text) => `"${text.replace(/"/g, '')}"`),
);
const path = fc
  .array(fc.oneof(name, fc.constantFrom('a', 'b', 'first', 'last', 'length')), { minLength: 1, maxLength: 4 })
  .map((names) => names.join('.'));
const value = fc.oneof(path, literal);
const filtered = fc
  .tuple(value, fc.array(fc.tuple(fc.constantFrom(...filters), fc.array(value, { maxLength: 2 })), { maxLength: 4 }))
  .map(([first, rest]) => first + rest.map(([filter, args]) => ` | ${filter}${args.length > 0 ? `: ${args.join(', ')}` : ''}`).join(''));
const { template } = fc.letrec<{ template: string; part: string }>((tie) => ({
  template: fc.array(tie('part'), { maxLength: 6, depthIdentifier: 'liquid' }).map((parts) => parts.join('')),
  part: fc.oneof(
    { depthIdentifier: 'liquid', maxDepth: 4, depthSize: 'small' },
    filtered.map((output) => `{{ ${output} }}`),
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom(
      '{%',
      '{{',
      '%}',
      '}}',
      '{% raw %}',
      '{% comment %}',
      '{% liquid\n',
      '{%- endfor -%}',
      '{% break %}',
      '{% #x %}',
      '{% doc %}',
      '{% enddoc %}',
    ),
    fc.tuple(name, filtered).map(([key, expression]) => `{% assign ${key} = ${expression} %}`),
    fc.tuple(fc.constantFrom('increment', 'decrement', 'echo', 'cycle'), value).map(([tag, of]) => `{% ${tag} ${of} %}`),
    fc
      .tuple(fc.constantFrom('if', 'unless', 'case', 'capture', 'ifchanged'), value, tie('template'))
      .map(([t, v, of]) => `{% ${t} ${v} %}${of}{% end${t} %}`),
    fc
      .tuple(fc.constantFrom('for', 'tablerow'), value, tie('template'))
      .map(([t, v, of]) => `{% ${t} i in ${v} limit: 9 %}${of}{% end${t} %}`),
  ),
}));

it('answers, and tells nothing of anybody else', async () => {
  const job = fc.record({
    template,
    data: fc.jsonValue({ maxDepth: 3 }),
    style: fc.constantFrom('json' as const, 'xml' as const, 'none' as const),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(job, { minLength: 8, maxLength: 24 }), async (jobs) => {
      const results = jobs.map(async ({ template: source, data, style }, i) => {
        const own = `canary-${i}-`;
        const read = { data: JSON.stringify({ data: { a: data, b: own, l: [own, data] } }) };
        const told = JSON.stringify(
          await renderer.render({ tenant: `${i}`, key: `${i}` }, read, [{ source, style, isStored: true, ask: 'json' }]),
        );
        expect(told).toMatch(/^\[\{"(text|fault)":/);
        expect(told).not.toContain(PLANTED);
        // The template may reorder its texts, but must not show another tenant's texts.
        expect((told.match(/canary-\d+-/g) ?? []).filter((canary) => canary !== own)).toEqual([]);
      });
      await until('all are answered', () => Promise.all(results).then(() => true));
    }),
    { seed: SEED, numRuns: 60, interruptAfterTimeLimit: 3000, markInterruptAsFailure: false },
  );
  expect({}.constructor).toBe(Object);
});
