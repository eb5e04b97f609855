// Declares which requests a replay can send.

/**
 * The source of a replay's requests. `SENT_BYTES`: the body of the event's last request. `STORED_PAYLOAD`: the data of that request,
 * through today's templates. `NEW_PAYLOAD`: the result of today's query and templates.
 */
export type ReplayMode = 'SENT_BYTES' | 'STORED_PAYLOAD' | 'NEW_PAYLOAD';
