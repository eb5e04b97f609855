import { expect, it } from 'vitest';
import { withArticle } from '../../src/runtime/article.js';

it.each([
  'a User',
  'a Unit',
  'a Url',
  'a Usage',
  'a OneTimeCode',
  'a Thing',
  'a Utility',
  'an Attachment',
  'an Environment',
  'an Integration',
  'an Organization',
  'an Update',
  'an Upload',
  'an Unknown',
])('%s', (text) => {
  expect(withArticle(text.split(' ')[1] as string)).toBe(text);
});
