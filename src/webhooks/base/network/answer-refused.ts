// Declares the error of an answer that is no HTTP, or more than Hookgraph reads.

export class AnswerRefused extends Error {
  override name = 'AnswerRefused';
  constructor(
    message: string,
    /** The status that was read; 0 when none was. */
    readonly status = 0,
  ) {
    super(message);
  }
}
