import { expect, it } from 'vitest';
import { listReads, parseTemplate, pathsOfData } from '../../../../src/webhooks/base/templates/liquid.mjs';

it.each([
  ['{{ data.order.id }} {{ data["order"].note | upcase }}', ['order.id', 'order.note']],
  ['{{ data.order.lines[0].sku }} {{ data.order.lines.first.sku }} {{ data.order.lines.size }}', ['order.lines.sku', 'order.lines']],
  ['{% for line in data.order.lines %}{{ line.sku }}{% endfor %}', ['order.lines', 'order.lines.sku']],
  [
    '{% assign o = data.order %}{% for line in o.lines %}{% if line.price > 3 %}{{ line.sku }}{% endif %}{% endfor %}',
    ['order', 'order.lines', 'order.lines.price', 'order.lines.sku'],
  ],
  ['{% assign a = b %}{% assign b = a %}{{ a.x }}', []],
  ['{% assign cheap = data.lines | where: "cheap" | first %}{{ cheap.sku }}', ['lines', 'lines.sku']],
  ['{% assign x = "data.secret" %}{{ x }}', []],
  ['{{ data[event.kind].x }}', ['']],
  [
    '{% if data.a %}{% unless data.b %}{% case data.c %}{% when data.d %}{{ data.e }}{% endcase %}{% endunless %}{% endif %}',
    ['a', 'b', 'c', 'd', 'e'],
  ],
  [
    '{% for i in (data.from..data.to) %}{% ifchanged %}{{ data.a }}{% endifchanged %}{% cycle data.b, data.c %}{% endfor %}{% case 1 %}{% when data.d, data.e %}{% else %}{{ data.f }}{% endcase %}',
    ['a', 'b', 'c', 'd', 'e', 'f', 'from', 'to'],
  ],
  ['plain', []],
])('%s', (source, expected) => {
  const paths = pathsOfData(parseTemplate(source, 'none'), 'none').map((path: string[]) => path.join('.'));
  expect(paths.sort()).toEqual(expected.sort());
});

it('lists the reads of a template with their places, and none of one that would take long to analyse', () => {
  const list = (source: string) => listReads(parseTemplate(source, 'none'), source, 'none');
  const found = list('{{ data.a }}\n{% for x in data.list %}{{ x.b }}{{ data[x] }}{% endfor %}');
  expect(found.sort((one, other) => one.place.line - other.place.line || one.place.column - other.place.column)).toEqual([
    { text: 'data.a', paths: [['data', 'a']], place: { line: 1, column: 4 } },
    { text: 'data.list', paths: [['data', 'list']], place: { line: 2, column: 13 } },
    { text: 'x.b', paths: [['data', 'list', 0, 'b']], place: { line: 2, column: 28 } },
    { text: 'data[x]', paths: [['data', null]], place: { line: 2, column: 37 } },
    { text: 'x', paths: [['data', 'list', 0]], place: { line: 2, column: 42 } },
  ]);
  expect(list(`{{ data.a }}${'{{ b.c }}'.repeat(6000)}`)).toEqual([]);
});
