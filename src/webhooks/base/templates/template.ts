// Declares a template, and the error for a template that can't be parsed or rendered.
import { caret, type Place } from '../errors.js';
import type { Escape, Faulted, TemplateFault } from './rendering.mjs';

export interface Template {
  source: string;
  style: Escape;
  /** The template was saved before; it is read with the syntax of earlier versions. */
  isStored: true;
}

export class TemplateError extends Error {
  override name = 'TemplateError';
  constructor(
    message: string,
    readonly fault: TemplateFault,
    readonly place: Place | null = null,
    /** The source line with a caret below the column; empty when the position is unknown. */
    readonly frame: string = '',
  ) {
    super(message);
  }
}

/** Converts a fault from a render process to an error that includes the source line. */
export function toTemplateError({ message, fault, place }: Faulted, source: string): TemplateError {
  return new TemplateError(message, fault, place, place ? caret(source, place) : '');
}
