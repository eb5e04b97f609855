// Defines the error for mistakes in a process's configuration or environment.

/** Has a stable code, a message that names what is wrong and its value, and a hint, like the engine's WebhooksError. */
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
