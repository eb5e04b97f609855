// Reads from the output of a server process whether it has started.

/** The address of the API, without a trailing slash, as a log line or as the welcome for people says it; `undefined` before it runs. */
export const apiIn = (output: string): string | undefined =>
  /"msg":"the API is running","url":"(http:[^"]+)"/.exec(output)?.[1] ?? /API\s+(http:\S+)\/api\/v3\/graphql/.exec(output)?.[1];

export const WORKER_RUNS = '"msg":"the worker is running"';

/** The host and port of the monitoring port; `undefined` before it is open. */
export const monitoringIn = (output: string): string | undefined =>
  /"msg":"the monitoring port is open","url":"http:\/\/([^"]+)"/.exec(output)?.[1];
