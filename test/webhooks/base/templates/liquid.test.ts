import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../../src/runtime/exact-json.mjs';
import { caret } from '../../../../src/webhooks/base/errors.js';
import { caselessHeaders } from '../../../../src/webhooks/base/templates/caseless-headers.mjs';
import { faultOf, parseTemplate, renderNodes } from '../../../../src/webhooks/base/templates/liquid.mjs';
import type { Escape } from '../../../../src/webhooks/base/templates/rendering.mjs';

const render = (source: string, data: object = {}, style: Escape = 'json') => renderNodes(parseTemplate(source, style), style, data);
const failure = (source: string, data: object = {}, style: Escape = 'json') => {
  let usual: 'syntax' | 'render' = 'syntax';
  try {
    const nodes = parseTemplate(source, style);
    usual = 'render';
    renderNodes(nodes, style, data);
  } catch (error) {
    return faultOf(error, usual);
  }
  throw new Error(`${source.slice(0, 50)} rendered`);
};

const nasty = 'a"b\\c\n\t<é>&\u2028\u0001🔑\ud800';

describe('a JSON template', () => {
  it.each([
    ['"{{ x }}"', 'plain', 'plain'],
    ['"{{ x }}"', nasty, nasty],
    ['{{ x | json }}', nasty, nasty],
    ['"{{ x }}"', null, ''],
    ['{{ x | json }}', null, null],
    ['{{ nothing | json }}', 1, null],
    ['{{ x }}', 1.5, 1.5],
    ['{{ x }}', true, true],
    ['{{ x }}', { a: [1, '"'] }, { a: [1, '"'] }],
    ['{{ x }}', [1, '"'], [1, '"']],
    ['{{ x | json }}', [1, { a: null }], [1, { a: null }]],
    ['"{{ x | upcase }}"', 'a"b', 'A"B'],
    ['"{% capture y %}{{ x }}!{% endcapture %}{{ y }}"', 'a"b', 'a"b!'],
    ['"{% assign y = x | append: x %}{{ y }}"', '"', '""'],
    ['"{% echo x %}"', '"', '"'],
    ['{{ x | raw }}', '{"a":1}', { a: 1 }],
    ['"{{ x | inspect }}"', ['"'], '["\\""]'],
    ['["{% cycle x, "b" %}", {% cycle x | json, "c" %}]', '"', ['"', '"']],
    [
      '{% capture t %}{% tablerow i in x %}{{ i }}{% endtablerow %}{% endcapture %}{{ t | json }}',
      ['"'],
      '<tr class="row1">\n<td class="col1">"</td></tr>\n',
    ],
    ['"{% ifchanged %}{{ x }}{% endifchanged %}"', '"', '"'],
  ])('%s writes %j so that it is read as %j', (source, x, expected) => {
    expect(JSON.parse(render(source, { x }))).toEqual(expected);
  });
});

describe('a number that a double can’t hold', () => {
  const ID = '750727362669608961';
  const data = parseJson(
    `{"id": ${ID}, "next": 750727362669608962, "big": 1e400, "zero": -0, "rows": [{"id": 750727362669608962}, {"id": 7}, {"id": ${ID}}, {"id": ${ID}}]}`,
  );

  it.each([
    ['{{ id }}', ID],
    ['{{ id | json }}', ID],
    ['{{ id | append: "!" }}', `${ID}!`],
    ['{{ 750727362669608961 }}', ID],
    ['{{ rows | json }}', `[{"id":750727362669608962},{"id":7},{"id":${ID}},{"id":${ID}}]`],
    ['{{ rows | sort: "id" | map: "id" | join: " " }}', `7 ${ID} ${ID} 750727362669608962`],
    ['{{ rows | map: "id" | uniq | sort | join: " " }}', `7 ${ID} 750727362669608962`],
    ['{{ rows | where: "id", id | size }}', '2'],
    [`{{ rows | find_exp: "row", "row.id == ${ID}" | json }}`, `{"id":${ID}}`],
    ['{{ rows | group_by: "id" | map: "items" | map: "id" | join: " " }}', `750727362669608962 7 ${ID} ${ID}`],
    ['{% for row in rows %}{% if row.id == next %}{{ row.id }}{% endif %}{% endfor %}', '750727362669608962'],
    [`{% case id %}{% when 750727362669608960 %}no{% when ${ID} %}yes{% endcase %}`, 'yes'],
    ['{{ big }} {{ zero }}', '1e400 -0'],
    ['{{ id.text }}{{ id.equals }}{{ id.toString }}', ''],
  ])('%s is %s', (source, text) => {
    expect(render(source, data, 'none')).toBe(text);
    expect(render(source, data, 'json').replaceAll('\\', '')).toBe(text);
  });

  it.each([
    ['id == 750727362669608961', true],
    ['id == 750727362669608960', false],
    ['id != next', true],
    ['id < next', true],
    ['next <= id', false],
    ['id > 750727362669608960', true],
    ['750727362669608960 < id', true],
    ['id >= 7', true],
    ['7 > id', false],
    ['id == "750727362669608961"', false],
    ['big > 1.5', true],
    ['zero == 0', true],
    ['id', true],
    ['id == nil', false],
  ])('%s: %s', (condition, expected) => {
    expect(render(`{% if ${condition} %}true{% else %}false{% endif %}`, data, 'none')).toBe(String(expected));
  });

  it.each([
    ['{{ id | minus: 1 }}', '750727362669608960'],
    ['{{ id | times: id }}', '563591573060866582174557924651499521'],
    ['{{ id | divided_by: 2 }} {{ id | modulo: 1000 }}', '375363681334804480 961'],
    ['{{ rows | sum: "id" }}', '2252182088008826891'],
    ['{{ id | at_most: next }} {{ id | at_least: next }}', `${ID} 750727362669608962`],
    ['{{ "0.10000000000000000001" | plus: "0.2" }}', '0.30000000000000000001'],
    [
      '{{ id | divided_by: 2.0 }} {{ id | divided_by: -1.0 }} {{ 1 | divided_by: 3.0 }}',
      '375363681334804480.5 -750727362669608961.0 0.3333333333333333',
    ],
    ['{{ "0.10000000000000000001" | divided_by: 3 }}', '0.03333333333333333333666666666666666666666'],
  ])('%s is %s', (source, text) => {
    expect(render(source, data, 'none')).toBe(text);
  });

  it.each(['{{ big | plus: 1 }}', '{{ big | divided_by: 2 }}', '{{ "1e308" | times: "1e308" }}'])('%s says that it can’t', (source) => {
    expect(() => render(source, data, 'none')).toThrow('filters calculate with at most 100 digits');
  });
});

describe('an XML template', () => {
  it.each([
    ['{{ x }}', '<a href="x">\'&</a>', '&lt;a href=&quot;x&quot;&gt;&apos;&amp;&lt;/a&gt;'],
    ['{{ x }}', 'a\u0000b\u0001c\ud800d\uffff🔑\t\n', 'a�b�c�d�🔑\t\n'],
    ['{{ x }}', '\r', '&#13;'],
    ['{{ x }}', null, ''],
    ['{{ x }}', 1.5, '1.5'],
    ['{{ x }}', { a: 1 }, '{&quot;a&quot;:1}'],
    ['{{ x | json }}', '"', '&quot;\\&quot;&quot;'],
    ['{{ x | escape }}', '<', '&lt;'],
    ['{{ x | raw }}', '<b/>', '<b/>'],
  ])('%s writes %j as %s', (source, x, expected) => {
    expect(render(source, { x }, 'xml')).toBe(expected);
  });
});

describe('the other templates', () => {
  it('escape nothing', () => {
    expect(render('{{ x }} {{ y }} {{ z }}', { x: '<"&', y: null, z: true }, 'none')).toBe('<"&  true');
    expect(render('{{ data.node.name != "Alain Bloch" }}', { data: { node: { name: 'Alain Bloch' } } }, 'none').trim()).not.toBe('');
  });

  it('look headers up without case, and see nothing else of them', () => {
    const headers = caselessHeaders({ 'Retry-After': '5' });
    const source =
      '{{ headers.Retry-After }}{{ headers["retry-AFTER"] }}[{{ headers.constructor }}{{ headers.toString }}{{ headers.__proto__ }}]{{ headers | json }}';
    expect(render(source, { headers }, 'none')).toBe('55[]{"retry-after":"5"}');
  });
});

describe('a mistake', () => {
  it.each([
    ['one\n  {{ x | nofilter }}', 'syntax', 'undefined filter: nofilter', { line: 2, column: 10 }],
    ['{{ "x" | append: "y" | uppcase }}', 'syntax', 'undefined filter: uppcase. Did you mean "upcase"?', { line: 1, column: 24 }],
    ['{% elseif x %}', 'syntax', 'tag "elseif" not found. Did you mean "elsif"?', { line: 1, column: 1 }],
    ['{% endfi %}', 'syntax', 'tag "endfi" not found. Did you mean "endif"?', { line: 1, column: 1 }],
    ['one\n  {{ x | upcase ', 'syntax', 'not closed', { line: 2, column: 3 }],
    ['{% if x %}one', 'syntax', 'not closed', { line: 1, column: 1 }],
    ['a {% nonsense %}', 'syntax', 'tag "nonsense" not found', { line: 1, column: 3 }],
    ['{% include "/etc/passwd" %}', 'syntax', 'tag "include" not found', { line: 1, column: 1 }],
    ['{% render "/etc/passwd" %}', 'syntax', 'tag "render" not found', { line: 1, column: 1 }],
    ['{% layout "/etc/passwd" %}', 'syntax', 'tag "layout" not found', { line: 1, column: 1 }],
    ['{% block x %}{% endblock %}', 'syntax', 'tag "block" not found', { line: 1, column: 1 }],
    ['{% for i in (1..100000000) %}{% endfor %}', 'limit', 'memory alloc limit', { line: 1, column: 1 }],
    ['{{ x | date: "%9999999999d" }}', 'limit', 'memory alloc limit', { line: 1, column: 1 }],
  ])('in %j is a %s mistake with its place', (source, fault, message, place) => {
    const error = failure(source, { x: 'now' });
    expect(error).toMatchObject({ fault, place });
    expect(error.message).toContain(message);
  });

  it('shows the line with a caret', () => {
    const source = 'one\n  {{ x | nofilter }}';
    const { place } = failure(source);
    expect(place && caret(source, place)).toBe('2 |   {{ x | nofilter }}\n             ^');
  });
});

describe('a hostile template', () => {
  it.each([
    ['too long', 'x'.repeat(70_000)],
    ['that loops', '{% for i in (1..1000000) %}{% for j in (1..1000000) %}{% endfor %}{% endfor %}'],
    ['that writes without end', `{% for i in (1..100000) %}${'x'.repeat(60_000)}{% endfor %}`],
    ['that doubles', '{% assign x = "0123456789" %}{% for i in (1..100) %}{% assign x = x | append: x %}{% endfor %}{{ x }}'],
    [
      'that doubles by capture',
      '{% capture x %}ab{% endcapture %}{% for i in (1..99) %}{% capture x %}{{ x }}{{ x }}{% endcapture %}{% endfor %}{{ x }}',
    ],
    ['that nests', `${'{% if a %}'.repeat(3000)}x${'{% endif %}'.repeat(3000)}`],
    ['that chains', `{{ big ${'| sort '.repeat(3000)} }}`],
  ])('%s ends as a limit', (_name, source) => {
    expect(failure(source, { a: 1, big: Array.from({ length: 50_000 }, (_, i) => String(i * 7919)) })).toMatchObject({ fault: 'limit' });
  });

  it('is stopped by the clock between two filters of one output', () => {
    const big = Array.from({ length: 50_000 }, () => String(Math.random()));
    expect(failure(`{{ big ${'| sort '.repeat(80)} }}`, { big }).message).toContain('render limit');
  });

  it('sees own properties only', () => {
    const drops = '{% for i in l %}{% for p in names %}{{ forloop[p] }}{{ empty[p] }}{{ forloop[p][p] | json }}{% endfor %}{% endfor %}';
    const names = ['__proto__', 'constructor', 'next', 'valueOf', 'toString', 'liquidMethodMissing', 'i'];
    expect(render(drops, { l: [1], names }, 'none')).toBe('null'.repeat(names.length));
    const source =
      '{{ x.constructor }}{{ x.__proto__ }}{{ x.toString }}{{ l.constructor.name }}{{ s.constructor }}{{ constructor }}{{ __proto__ }}';
    expect(render(source, { x: { a: 1 }, l: [1], s: 'x' }, 'none')).toBe('');
  });
});
