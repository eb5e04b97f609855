import { expect, it } from 'vitest';
import { renderXml, renderXmlInTurns } from '../../../src/webhooks/payload/render-xml.js';

it('renders the default XML body: keys as elements, lists as items, null as nil, text escaped', () => {
  const data = { node: { name: 'A & <B>', age: 3, ok: true, none: null, tags: ['x', null], empty: [] } };
  expect(renderXml({ data })).toBe(
    '<?xml version="1.0" encoding="UTF-8"?><data><node><name>A &amp; &lt;B&gt;</name><age>3</age><ok>true</ok><none nil="true"/>' +
      '<tags><item>x</item><item nil="true"/></tags><empty></empty></node></data>',
  );
});

it('puts a key that is no XML name into an attribute', () => {
  expect(renderXml({ data: { '1 & "x"': 'y' } })).toContain('<entry key="1 &amp; &quot;x&quot;">y</entry>');
});

it('renders a large payload in pieces, while the event loop goes on', async () => {
  const data = { numbers: Array.from({ length: 200_000 }, (_, index) => index), names: [{ name: 'a & b' }, null] };
  let iterations = 0;
  let isDone = false;
  const count = () => {
    iterations += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const text = await renderXmlInTurns({ data }, 'acme');
  isDone = true;
  expect(iterations).toBeGreaterThan(1);
  expect(text).toBe(renderXml({ data }));
});
