// Takes the place of @codemirror/lang-html, which lang-liquid imports for a default that Hookgraph doesn't use: templates make JSON or XML.
// The real module brings the parsers of HTML, CSS and JavaScript: 64 KB compressed.

import { jsonLanguage } from '@codemirror/lang-json';
import { LanguageSupport } from '@codemirror/language';

export const html = () => new LanguageSupport(jsonLanguage);
