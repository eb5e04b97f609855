// Tests the checks that a rendered body passes before it is sent.
import { expect, it } from 'vitest';
import { mistakeInJson, mistakeInXml, wholeCharacters, wholeEscapes } from '../../../../src/webhooks/base/templates/well-formed.mjs';

it.each([
  '<a/>',
  '<?xml version="1.0"?><a>R &amp; D</a>',
  '<?xml version="1.0" encoding="utf-8"?>\n<a b="1"><![CDATA[<]]></a>',
  '<s:a xmlns:s="urn:x">😀</s:a>',
  '<!DOCTYPE a SYSTEM "a.dtd"><a/>',
  '<!DOCTYPE a [<!ENTITY nbsp "&#160;"><!ENTITY me SYSTEM "me.xml">]><a>&nbsp;&me;</a>',
  '<a xmlns:x="u" x:b="1" b="2" xml:lang="de"/>',
  '<a xmlns:xml="http://www.w3.org/XML/1998/namespace"/>',
  '<!DOCTYPE a PUBLIC "-//X//Y" "a.dtd" [<!-- a > ] --><?b c?><!ELEMENT a (#PCDATA)> %p; <!ATTLIST a b CDATA ">">]><a/>',
])('takes %s for XML', (text) => {
  expect(mistakeInXml(text)).toBeNull();
});

it.each([
  ['<a>R & D</a>', /write & as &amp;/],
  ['<a><b></a>', /unexpected close tag/i],
  ['<a>', /unclosed tag/i],
  ['<!DOCTYPE a [<!ENTITY nbsp "&#160;">]><a>&shy;</a>', /undefined entity/],
  ['<a b=1/>', /attribute/i],
  ['<a/><b/>', /only one root|documents may contain only one root/i],
  ['', /document must contain a root element/i],
  ['text', /text/i],
  ['<?xml version="1.0" encoding="ISO-8859-1"?>\n<a/>', /^1:\d+: the declared encoding is ISO-8859-1/],
  ['<a>\n<b:c/></a>', /^2:6: unbound namespace prefix: "b"/],
  ['<a b:c="1"/>', /^1:12: unbound namespace prefix: "b"/],
  ['<a><b xmlns:x="u"/><x:c/></a>', /^1:25: unbound namespace prefix: "x"/],
  ['<a xmlns:x="u" xmlns:y="u" x:b="1" y:b="2"/>', /^1:44: duplicate attribute: /],
  ['<a xmlns:xml="u"/>', /^1:16: xml prefix must be bound to/],
  ['<a xmlns:b="http://www.w3.org/XML/1998/namespace"/>', /^1:\d+: may not assign .* to another prefix/],
  ['<a xmlns="http://www.w3.org/XML/1998/namespace"/>', /^1:\d+: may not assign .* to another prefix|default/],
  ['<a xmlns:xmlns="u"/>', /^1:\d+: /],
  ['<a xmlns="http://www.w3.org/2000/xmlns/"/>', /^1:\d+: /],
  ['<a xmlns:b=""/>', /^1:\d+: invalid attempt to undefine prefix/],
  ['<xmlns:a/>', /^1:\d+: .*xmlns/],
  ['<a:b:c xmlns:a="u"/>', /^1:\d+: malformed name/],
  ['<a:1 xmlns:a="u"/>', /^1:\d+: malformed name/],
  ['<a xmlns:b="u" b:-c="1"/>', /^1:\d+: malformed name: b:-c/],
  ['<!DOCTYPE a [<!ENTITY % x "y">]><a>&x;</a>', /undefined entity/],
  [`<!DOCTYPE a [${'<!-- -->'.repeat(5000)}${'<!ENTITY x "y">'.repeat(5000)}${' '.repeat(5000)}!]><a/>`, /type declaration is malformed/],
  ['<:a/>', /^1:\d+: malformed name/],
  ['<a b:="1" xmlns:b="u"/>', /^1:\d+: malformed name/],
  ['<a><?b:c d?></a>', /^1:\d+: /],
  ['<!DOCTYPE a [<!ENTITY b:c "d">]><a/>', /^1:\d+: .*colon/],
  ['<a>\n]]></a>', /^2:3: the string "\]\]>" is disallowed/],
  ['<a><!-- a -- b --></a>', /^1:\d+: malformed comment/],
  ['<a>\u0001</a>', /^1:4: disallowed character/],
  ['<a>&#1;</a>', /^1:\d+: malformed character entity/],
  ['<a/>text', /^1:\d+: text data outside of root node/],
  ['<a/><!DOCTYPE a>', /^1:\d+: inappropriately located doctype/],
  ['<!DOCTYPE><a/>', /^1:10: the document type declaration is malformed/],
  ['<!DOCTYPE a [garbage]><a/>', /^1:22: the document type declaration is malformed/],
  ['<!DOCTYPE a "a.dtd"><a/>', /^1:20: the document type declaration is malformed/],
  ['<!DOCTYPE a [<!-- <!ENTITY x "y"> -->]><a>&x;</a>', /undefined entity/],
])('says why %s is no XML', (text, why) => {
  expect(mistakeInXml(text)).toMatch(why);
});

it.each([
  ['"\ud83d"', '"\ufffd"'],
  ['"\ude00a"', '"\ufffda"'],
  ['"\\ud83d"', '"\\ufffd"'],
  ['"\\uDE00"', '"\\ufffd"'],
  ['"\\ud83d\\ude00 😀"', '"\\ud83d\\ude00 😀"'],
  ['"\\ud83d\\ud83d\\ude00"', '"\\ufffd\\ud83d\\ude00"'],
  ['"\\\\ud83d"', '"\\\\ud83d"'],
  ['"\\u00e4 ä"', '"\\u00e4 ä"'],
])('makes whole characters of %j', (json, whole) => {
  expect(wholeCharacters(json)).toBe(whole);
  expect(mistakeInJson(whole)).toBeNull();
});

it('mends what JSON.stringify wrote', () => {
  expect(wholeEscapes(JSON.stringify({ a: '\ud83d', b: '😀' }))).toBe('{"a":"\\ufffd","b":"😀"}');
});
