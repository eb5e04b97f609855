// The look of the editors. Colours are CSS variables, so both themes use the same rules.
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

const view = EditorView.theme({
  '&': { color: 'var(--code-text)', backgroundColor: 'var(--code-surface)', fontSize: '13px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--code-font)', lineHeight: '1.6', maxHeight: '22rem', minHeight: 'var(--code-min-height, auto)' },
  '.cm-line': { padding: '0 10px' },
  '.cm-content': { padding: '8px 0', caretColor: 'var(--code-text)' },
  '.cm-gutters': { backgroundColor: 'var(--code-surface)', color: 'var(--code-muted)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 8px 0 10px', minWidth: '28px' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'transparent' },
  '&.cm-focused .cm-activeLine': { backgroundColor: 'var(--code-line)' },
  '&.cm-focused .cm-activeLineGutter': { backgroundColor: 'var(--code-line)', color: 'var(--code-text)' },
  '.cm-cursor': { borderLeftColor: 'var(--code-text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--code-selection)',
  },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--code-match)', outline: 'none' },
  '.cm-placeholder': { color: 'var(--code-muted)' },
  '.cm-tooltip': {
    backgroundColor: 'var(--code-popover)',
    color: 'var(--code-text)',
    border: '1px solid var(--code-border)',
    borderRadius: '8px',
    boxShadow: 'var(--code-shadow)',
    overflow: 'hidden',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--code-font)', fontSize: '13px', maxHeight: '15rem' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '4px 10px', lineHeight: '1.5' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--code-chosen)', color: 'var(--code-on-chosen)' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-completionDetail': { fontStyle: 'normal', opacity: '0.75', marginLeft: '1.5em' },
  '.cm-completionInfo': { padding: '8px 10px', maxWidth: '22rem', fontFamily: 'var(--code-ui-font)', lineHeight: '1.5' },
  '.cm-diagnostic': { padding: '6px 10px', fontFamily: 'var(--code-ui-font)', fontSize: '13px', whiteSpace: 'pre-wrap' },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--code-error)' },
  '.cm-diagnostic-warning': { borderLeft: '3px solid var(--code-warning)' },
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--code-error)', textUnderlineOffset: '3px' },
  '.cm-lintRange-warning': { backgroundImage: 'none', textDecoration: 'underline wavy var(--code-warning)', textUnderlineOffset: '3px' },
  '.cm-lintPoint-error:after': { borderBottomColor: 'var(--code-error)' },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword, tags.modifier], color: 'var(--code-keyword)' },
  { tag: [tags.string, tags.special(tags.string), tags.attributeValue], color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--code-number)' },
  { tag: [tags.propertyName, tags.attributeName], color: 'var(--code-property)' },
  { tag: [tags.typeName, tags.className, tags.tagName, tags.namespace], color: 'var(--code-type)' },
  { tag: [tags.variableName, tags.special(tags.variableName), tags.function(tags.variableName)], color: 'var(--code-variable)' },
  { tag: [tags.comment, tags.blockComment, tags.lineComment], color: 'var(--code-muted)', fontStyle: 'italic' },
  {
    tag: [tags.punctuation, tags.bracket, tags.brace, tags.separator, tags.operator, tags.processingInstruction],
    color: 'var(--code-punctuation)',
  },
  { tag: tags.invalid, color: 'var(--code-error)' },
]);

export const theme = [view, syntaxHighlighting(colours)];
