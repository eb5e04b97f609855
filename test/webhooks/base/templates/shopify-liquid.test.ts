// Tests that templates render as Shopify's Liquid does: by Hookgraph's own cases, and by Shopify's public suite if it is available.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DIFFERENCES, type SuiteCase } from '../../../../scripts/liquid-reference.js';
import { faultOf, parseTemplate, renderNodes } from '../../../../src/webhooks/base/templates/liquid.mjs';

const render = (source: string, data: object = {}) => renderNodes(parseTemplate(source, 'none'), 'none', data);
const DATA = {
  n: 5,
  price: '12.50',
  nothing: null,
  key: 'ab🔑',
  object: { b: 1, c: 2 },
  lists: [1, [2, [3]], null],
  people: [{ name: 'Zoë', age: 30, role: null }, null, { name: 'ada', age: 4 }, { name: 'Bob', age: 4 }],
};
const cases = (rows: [source: string, text: string][]) =>
  it.each(rows)('%s is %j', (source, text) => {
    expect(render(source, DATA)).toBe(text);
  });

describe('numbers', () => {
  cases([
    ['{{ 7 | divided_by: 2 }} {{ -7 | divided_by: 2 }} {{ "7" | divided_by: "2" }} {{ n | divided_by: 2 }}', '3 -4 3 2'],
    [
      '{{ 7.0 | divided_by: 2 }} {{ 7 | divided_by: 3.5 }} {{ n | times: 1.0 | divided_by: 2 }} {{ price | divided_by: 2 }}',
      '3.5 2.0 2.5 6.25',
    ],
    ['{{ 7 | modulo: -3 }} {{ -7 | modulo: 3 }} {{ 10.1 | modulo: 7 }}', '-2 2 3.1'],
    ['{{ 1.1 | plus: 2.2 }} {{ 0.1 | times: 3 }} {{ 10.3 | minus: 2.3 }} {{ price | plus: "0.50" }}', '3.3 0.3 8.0 13.0'],
    [
      '{{ 4.5 | round }} {{ -4.5 | round }} {{ 2.345 | round: 2 }} {{ 1251 | round: -2 }} {{ 5 | round: 1 }} {{ 5.0 | round: 1 }}',
      '5 -5 2.35 1300 5 5.0',
    ],
    [
      '{{ 2.1 | ceil }} {{ -2.1 | floor }} {{ "-3.50" | abs }} {{ 4 | at_least: 5.0 }} {{ "abc" | plus: 1 }} {{ "12 kg" | plus: 1 }}',
      '3 -3 3.5 5.0 1 13',
    ],
    ['{% if 5.0 == n and n <= 5.0 %}same{% endif %} {% case 5.0 %}{% when n %}same{% endcase %} {{ 5.0 | json }}', 'same same 5.0'],
    ['{% for i in (1.9..n) %}{{ i }}{% endfor %} {% for i in ("x".."2") %}{{ i }}{% endfor %}', '12345 012'],
  ]);
});

describe('texts', () => {
  cases([
    ['{{ key | size }} {{ key.size }} {{ key | slice: 2 }} {{ key | slice: -2, 2 }} {{ key | first }} {{ key | last }}', '3 3 🔑 b🔑 a 🔑'],
    [
      '{{ key | split: "" | join: "-" }} {{ "🔑🔑🔑🔑" | truncate: 3, "…" }} {{ key | truncate: 3 }} {{ "🔑" | replace: "", "." }}',
      'a-b-🔑 🔑🔑… ab🔑 .🔑.',
    ],
    ['{{ "élan VITAL" | capitalize }} {{ "🔑A" | capitalize }}', 'Élan vital 🔑a'],
    ['{{ " a  b\nc " | split: " " | join: "-" }} {{ "a,b,," | split: "," | size }}', 'a-b-c 2'],
    ['{{ "one two" | truncatewords: 2 }} {{ "one two three" | truncatewords: 2 }}', 'one two one two...'],
    [
      '{{ "it\'s (a) key!" | url_encode }} {{ "?>" | base64_url_safe_encode }} {{ "Pz4-_w" | base64_url_safe_decode | size }}',
      'it%27s+%28a%29+key%21 Pz4= 4',
    ],
    [
      `{{ '"<&>' | escape }}{{ "'" | escape }} {{ '&copy; &#39; & "' | escape_once }}`,
      '&quot;&lt;&amp;&gt;&#39; &copy; &#39; &amp; &quot;',
    ],
    ['{{ "a+b%20%F0%9F%94%91 100%" | url_decode }}', 'a b 🔑 100%'],
    ['{{ object | upcase }} {{ lists | append: "!" }}', '{"B":1,"C":2} 123!'],
  ]);
});

describe('lists', () => {
  cases([
    ['{{ lists | join: "," }} {{ lists | sum }} {{ lists | compact | size }} {{ lists | reverse | join: "," }}', '1,2,3, 6 3 ,3,2,1'],
    [
      '{{ people | map: "name" | join: "," }} {{ people | sum: "age" }} {{ people | uniq: "age" | size }} {{ people | compact: "name" | size }}',
      'Zoë,,ada,Bob 38 3 3',
    ],
    [
      '{{ people | sort: "name" | map: "name" | join: "," }} {{ people | sort_natural: "name" | map: "name" | join: "," }}',
      'Bob,Zoë,ada, ada,Bob,Zoë,',
    ],
    ['{{ people | where: "age", 4 | size }} {{ people | where: "name" | size }} {{ people | reject: "role" | size }}', '2 3 4'],
    [
      '{% assign p = people | find: "age", 4 %}{{ p.name }} {{ people | find_index: "age", 4 }} {{ people | has: "age", 99 }}',
      'ada 2 false',
    ],
    [
      '{{ nothing | default: gone | json }}{{ "" | default: 1, allow_false: true }}{{ false | default: allow_false: true, 2 }}{{ 0.0 | default: 3 }}',
      'null1false0.0',
    ],
    ['{{ object | size }} {{ object | first | join: "=" }} {{ object.first | join: "=" }} {{ object | map: "c" | first }}', '2 b=1 b=1 2'],
    [
      '{{ "a,b" | split: "," | concat: lists | size }} {{ nothing | where: "x" | size }} {{ "x,x,1,1.0" | split: "," | uniq | size }}',
      '5 0 3',
    ],
  ]);
});

describe('tags', () => {
  cases([
    ['[{% if true %} {% assign x = 1 %} {% endif %}{% for i in (1..3) %} {% comment %}x{% endcomment %} {% endfor %}]', '[]'],
    ['[{% if true %} {% liquid assign x = 1 %} {% endif %}]', '[]'],
    ['[{% if true %} {{ x }} {% endif %}{% unless false %} . {% endunless %}]', '[   . ]'],
    [
      '{% for i in (1..2) %}{% for j in (1..2) %}{{ forloop.parentloop.index }}{{ forloop.index }} {% endfor %}{% endfor %}',
      '11 12 21 22 ',
    ],
    [
      '{% for i in (1..9) limit: "2" offset: 1.5 %}{{ i }}{% endfor %}{% for i in (1..9) offset: continue %}{{ i }}{% endfor %}',
      '23456789',
    ],
    [
      '{% tablerow i in (1..3) cols: 2 %}{{ i }}{% if i == 3 %}{% break %}{% endif %}.{% endtablerow %}',
      '<tr class="row1">\n<td class="col1">1.</td><td class="col2">2.</td></tr>\n<tr class="row2"><td class="col1">3</td></tr>\n',
    ],
    ['{% for i in (1..3) %}{% cycle "x": "a", "b" %}{% cycle "x": "c", "d" %}{% endfor %}', 'adadad'],
    ['{% case n %}{% when 5 %}a{% when 5, 5.0 %}b{% else %}c{% endcase %}', 'abb'],
    ['{% assign l = "1,1,2" | split: "," %}{% for i in l %}{% ifchanged %}{{ i }}{% endifchanged %}{% endfor %}', '12'],
    [
      '{% doc %}{% if {{ {% raw %}{% enddoc %}{% comment %}{% comment %}a{% endcomment %}{{ b }}{% endcomment %}{% raw -%} {{ x }} {%- endraw -%} .',
      ' {{ x }} .',
    ],
    ['{{ object\n  .b }} {{ object ["c"] }}', '1 2'],
  ]);
});

describe('comparisons', () => {
  cases([
    ['{% if nothing < 1 or nothing >= 0 or nil <= nil %}yes{% else %}no{% endif %}', 'no'],
    ['{% if nil == blank and nothing == blank and "" == blank %}yes{% endif %}{% if nothing == empty %}no{% endif %}', 'yes'],
    [
      '{% if lists contains nothing or lists contains false %}no{% else %}yes{% endif %} {% if object contains "b" %}yes{% endif %}',
      'yes yes',
    ],
    ['{% if price > 9 and 13 > price and price != 12.5 %}yes{% endif %} {% if n <> 4 %}yes{% endif %}', 'yes yes'],
  ]);
});

describe('what other implementations refuse', () => {
  it.each([
    ['{% if x == %}{% endif %}', 'value expected after "=="', 9],
    ['{% if == x %}{% endif %}', 'unexpected "=="', 7],
    ['{% if a in b %}{% endif %}', 'unexpected "in"', 9],
    ['{% if x %}{% elsif x > %}{% endif %}', 'value expected after ">"', 22],
    ['{% if x == 1 and %}{% endif %}', 'value expected after "and"', 14],
    ['{% unless x contains %}{% endunless %}', 'value expected after "contains"', 13],
    ['{% case x == %}{% endcase %}', 'value expected after "=="', 11],
    ['{% assign x = y == %}', 'value expected after "=="', 17],
    ['{{ x == }}', 'value expected after "=="', 6],
    ['{% if x %}\n{% liquid if x == \n endif %}{% endif %}', 'value expected after "=="', null],
    ['{% if x == y == z %}{% endif %}', 'unexpected "==" after a comparison', 14],
    ['{% if x > 1 < 5 %}{% endif %}', 'unexpected "<" after a comparison', 13],
    ['{% if x = 1 %}{% endif %}', 'expected "|" before filter', 10],
    ['{% if %}{% endif %}', 'invalid value expression', 6],
    ['{% if not %}{% endif %}', 'value expected after "not"', 7],
    ['{% for i in %}{% endfor %}', 'illegal tag', 1],
    ['{{ }}', 'invalid value expression', 4],
    ['{{ .x }}', 'unexpected "."', 4],
    ['{{ x[] }}', 'expected a value between "[" and "]"', 6],
    ['{{ x | slice: 1, }}', 'expected an argument after ","', 8],
    ['{% assign x = 1 + 2 %}', 'expected "|" before filter', null],
    ['{{ a b }}', 'unexpected "b"', 6],
    ['{{ a, b }}', 'unexpected ","', 5],
    ['{% case a %}{% when %}{% endcase %}', 'value expected after when', null],
    ['{% case a %}{% when 1 and 2 %}{% endcase %}', 'expected "," or "or"', null],
    ['{% for i in a | sort %}{% endfor %}', 'unexpected "|"', 15],
    ['{% for i in a by: 2 %}{% endfor %}', 'invalid argument "by": expected limit, offset, reversed', null],
    ['{% tablerow i in a cols %}{% endtablerow %}', 'invalid argument "cols"', null],
    ['{{ "x }}', 'not closed', null],
    ['{% if x == "y %}{% endif %}', 'not closed', null],
    ['{{ x | }}', 'expected filter name', null],
    ['{{ x. }}', 'expected a name after "."', null],
    ['{{ x | upcase: 1 }}', 'the filter upcase expects no arguments, but has 1', 8],
    ['{{ x | append }}', 'the filter append expects 1, but has 0', 8],
    ['{{ x | slice: 1, 2, 3 }}', 'the filter slice expects 1 to 2, but has 3', 8],
    ['{{ x | date }}', 'the filter date expects 1 to 2, but has 0', 8],
  ])('%s is refused in a new template', (source, message, column) => {
    let error: unknown;
    expect(() => {
      try {
        parseTemplate(source, 'none');
      } catch (thrown) {
        error = thrown;
        throw thrown;
      }
    }).toThrow(message);
    if (column !== null) expect(faultOf(error, 'syntax').place).toEqual({ line: 1, column });
  });

  it.each([
    ['{% if x == %}yes{% endif %}{% if "a" in b %}yes{% endif %}', 'yesyes'],
    ['{{ " a," | strip: ", " }}{{ "2016-03-14" | date }}{{ "b" | upcase: 1 }}', 'aMonday, March 14, 2016 at 12:00 am +0000B'],
    ['{% case 1 %}{% when 1 and 2 %}yes{% endcase %}', 'yes'],
  ])('%s goes on in a template that is stored', (source, text) => {
    expect(renderNodes(parseTemplate(source, 'none', true), 'none', {})).toBe(text);
  });

  it.each([
    '{{ 1 | divided_by: 0 }}',
    '{{ 1 | modulo: "x" }}',
    '{{ list | map: "x" }}',
    '{{ list | sort }}',
    '{{ "x" | slice: 1.5 }}',
    '{{ 1 | date: "%Y", 99999 }}',
    '{{ "x" | truncate: y }}',
    '{{ list | concat: 1 }}',
    '{% for i in list limit: "x" %}{% endfor %}',
  ])('%s fails', (source) => {
    expect(() => render(source, { list: [1, 'x'] })).toThrow(/invalid/);
  });
});

const SUITE = process.env.GOLDEN_LIQUID ?? resolve(import.meta.dirname, '../../../../../shared/data/golden-liquid.json');

it.skipIf(!existsSync(SUITE))('agrees with the public suite of Shopify’s Liquid, except for what the reference lists', () => {
  interface Case extends SuiteCase {
    name: string;
    tags?: string[];
    templates?: object;
    result?: string;
    results?: string[];
    invalid?: boolean;
  }
  const { tests } = JSON.parse(readFileSync(SUITE, 'utf8')) as { tests: Case[] };
  // Cases that need other files, or Shopify's strict mode, don't apply.
  const applying = tests.filter(({ templates, tags = [] }) => !templates && !tags.some((tag) => tag.startsWith('strict')));
  const differing = applying.filter(({ template, data, result, results, invalid }) => {
    try {
      const text = render(template, structuredClone(data ?? {}));
      return invalid || !(results ?? [result]).includes(text);
    } catch {
      return !invalid;
    }
  });
  const unexplained = differing.filter((each) => !DIFFERENCES.some(({ explains }) => explains(each)));
  expect(unexplained.map(({ name }) => name)).toEqual([]);
  expect(applying.length - differing.length).toBeGreaterThanOrEqual(966);
});
