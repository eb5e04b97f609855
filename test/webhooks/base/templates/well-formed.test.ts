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
  ['<?xml version="1.0" encoding="ISO-8859-1"?><a/>', /declared encoding is ISO-8859-1/],
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
