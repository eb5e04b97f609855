// Declares the error of a response that is not valid HTTP, or is larger than Hookgraph reads.

export class AnswerRefused extends Error {
  override name = 'AnswerRefused';
  constructor(
    message: string,
    /** The response's status; 0 when none could be read. */
    readonly status = 0,
  ) {
    super(message);
  }
}
