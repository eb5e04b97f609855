// What a definition's template is once it is known to parse, and what is said when it fails.
import { caret, type Place } from '../errors.js';
import type { Escape, Faulted, TemplateFault } from './rendering.mjs';

export interface Template {
  source: string;
  style: Escape;
}

export class TemplateError extends Error {
  override name = 'TemplateError';
  constructor(
    message: string,
    readonly fault: TemplateFault,
    readonly place: Place | null = null,
    /** The line with a caret below the character; empty where no place is known. */
    readonly frame: string = '',
  ) {
    super(message);
  }
}

/** What a render process found wrong, with the line that it found it in. */
export function toTemplateError({ message, fault, place }: Faulted, source: string): TemplateError {
  return new TemplateError(message, fault, place, place ? caret(source, place) : '');
}
