// Defines the error for mistakes in a process's configuration or environment.

/** An error with a stable code, a message that names the wrong value, and a hint how to correct it. */
export class RuntimeError extends Error {
  override name = 'RuntimeError';
  constructor(
    readonly code: string,
    message: string,
    readonly hint?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
