// Lists malicious templates by what they attempt. The attacker also controls `data`.
const x = (count: number, text = 'x') => text.repeat(count);
const DOUBLED = '{% assign a = "x,x" | split: "," %}{% for i in (1..60) %}{% assign a = a | push: a %}{% endfor %}';
const FILLED = '{% assign s = "0123456789" %}{% for i in (1..17) %}{% assign s = s | append: s %}{% endfor %}';

/** Templates that are stopped within a limit, and refused or failed with a message that names the limit. */
export const STOPPED: [name: string, source: string][] = [
  ['nested loops', '{% for i in (1..99999) %}{% for j in (1..99999) %}{{ j }}{% endfor %}{% endfor %}'],
  ['a giant range', '{% for i in (1..999999999999) %}{% endfor %}'],
  ['a division by nothing', '{% assign n = 9 | divided_by: 0 %}{% for i in (1..n) %}{% endfor %}'],
  ['a range up to an infinite number', '{% assign n = "1e308" | times: "1e308" %}{% for i in (1..n) %}{% endfor %}'],
  ['numbers that grow', '{% assign n = 99 %}{% for i in (1..99999) %}{% assign n = n | times: n | plus: n %}{% endfor %}{{ n }}'],
  ['a list within itself, flattened', `${DOUBLED}{{ a | reverse | size }}`],
  ['a list within itself, made unique', `${DOUBLED}{% assign b = "y" | split: "," | push: a %}{{ b | uniq: "size" | size }}`],
  ['a string that doubles', '{% assign a = "a" %}{% for i in (1..99) %}{% assign a = a | append: a %}{% endfor %}{{ a }}'],
  ['a capture that doubles', `{% capture a %}ab{% endcapture %}${x(40, '{% capture a %}{{ a }}{{ a }}{% endcapture %}')}{{ a }}`],
  ['two huge captures compared', `${x(2, '').trim()}${capture('b')}${capture('c')}{% if b == c %}1{% endif %}`],
  ['a list within itself, joined', `${DOUBLED}{{ a | join }}`],
  ['a list within itself, as JSON', `${DOUBLED}{{ a | json }}`],
  ['a list within itself, compared', `${DOUBLED}{% if a == "x" %}{% endif %}{{ a | upcase }}`],
  ['a split into millions', `${FILLED}{{ s | split: "" | sort | reverse | join: s }}`],
  ['sorting over and over', `${FILLED}{% assign l = s | split: "0" %}{{ l ${x(400, '| sort_natural ')} | join }}`],
  ['a sort of what strangers sent', '{{ data.big | sort | sort_natural | reverse | sort | sort_natural | join }}'],
  ['a wide date', '{{ "now" | date: "%99999999d" }}'],
  ['a date with many parts', `{% for i in (1..9999) %}{{ i | date: "${x(500, '%c')}" }}{% endfor %}`],
  [
    'a filter with a megabyte of argument',
    `${FILLED}{% for i in (1..999) %}{{ "a" | prepend: s | remove_first: s | lstrip: s }}{% endfor %}`,
  ],
  [
    'a pattern of nested quantifiers as text',
    `${FILLED}{% for i in (1..999) %}{{ s | replace_first: "(0+)+$", s | strip_html }}{% endfor %}`,
  ],
  [
    'unclosed comparisons of HTML',
    `{% capture h %}{% for i in (1..99999) %}<!--<script<style{% endfor %}{% endcapture %}${x(90, '{{ h | strip_html }}')}`,
  ],
  ['a table without end', '{% tablerow i in (1..4999999) cols: 1 %}{{ i }}{% endtablerow %}'],
  ['a cycle without end', '{% for i in (1..4999999) %}{% cycle "a", "b", "c" %}{% endfor %}'],
  [
    'expressions over a list',
    `${FILLED}{% assign l = s | split: "0" %}{{ l | where_exp: "i", "i contains '9'" | group_by_exp: "i", "i" | json }}`,
  ],
  ['deep nesting', `${x(3000, '{% if data %}')}x${x(3000, '{% endif %}')}`],
  ['a deep path', `{{ data${x(20_000, '.a')} }}{% for i in (1..999) %}{{ data${x(9_000, '[0]')} }}{% endfor %}`],
  ['unclosed tags', x(16_000, '{% if')],
  ['unclosed outputs', `{{ ${x(65_000, '{{')}`],
  ['more source than there may be', x(70_000)],
  ['a file to include', '{% include "/etc/passwd" %}'],
  ['a file to render', '{% render "../../package.json" %}'],
  ['a layout', '{% layout "/proc/self/environ" %}'],
  ['a filter that does not exist', '{{ "constructor" | constructor }}'],
  ['a prototype as a filter', '{{ data | __proto__ }}'],
  ['a time zone that does not exist', '{{ "now" | date: "%c", "No/Where" }}'],
];

/** Templates that look malicious but render what an honest template would. */
export const HARMLESS: [name: string, source: string, rendered: string][] = [
  [
    'a walk to the prototype',
    '{{ data.constructor }}{{ data.__proto__ }}{{ data.a.__proto__.polluted }}{{ data["constructor"]["name"] }}',
    '',
  ],
  [
    'a walk from the loop',
    '{% for i in (1..2) %}{{ forloop.constructor.name }}{{ forloop.__proto__.__proto__.__proto__ }}{{ forloop.next }}{% endfor %}',
    '',
  ],
  ['a prototype as a property to map', '{{ data.list | map: "__proto__" | join: "" }}{{ data.list | map: "constructor" | join: "" }}', ''],
  ['a prototype as a variable', '{% assign __proto__ = data %}{% increment constructor %}{{ toString }}{{ hasOwnProperty }}', '0'],
  ['globals', '{{ process.env.HOME }}{{ globalThis }}{{ require }}{{ global }}{{ this }}{{ self }}', ''],
  ['huge numbers', '{{ "abc" | slice: -9007199254740993, 1 }}{{ "abc" | truncate: 99999999999 }}{{ "1e99" | times: "1e-99" }}', 'abc1.0'],
  ['a date format of zeros', '{{ 1 | date: data.zeros | size }}', '60001'],
  ['dates far out', '{{ "99999-99-99" | date: "%Y" }} {{ 8640000000000001 | date: "%Y" }}', '99999-99-99 8640000000000001'],
  ['an own property named like a prototype', '{{ data.own.constructor }}{{ data.own["__proto__"] }}', 'carproto'],
];

export const HOSTILE_DATA = {
  a: { b: 1 },
  list: [{ a: 1 }, 'x', true, null],
  own: JSON.parse('{"constructor":"car","__proto__":"proto"}'),
  zeros: `%${x(60_000, '0')}`,
  big: Array.from({ length: 60_000 }, (_, i) => `item ${(i * 7919) % 60_000}`),
};

function capture(name: string): string {
  return `{% capture ${name} %}{% for i in (1..20000) %}${x(15_000)}{% endfor %}{% endcapture %}`;
}
