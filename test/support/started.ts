// Finds out from the output of a server process whether the server has started.

/** Returns the API's URL without a trailing slash, from a log line or the welcome text; `undefined` before the API runs. */
export const apiIn = (output: string): string | undefined =>
  /"msg":"the API is running","url":"(http:[^"]+)"/.exec(output)?.[1] ?? /API\s+(http:\S+)\/api\/v3\/graphql/.exec(output)?.[1];

export const WORKER_RUNS = '"msg":"the worker is running"';

/** Returns the host and port of the monitoring port; `undefined` before it is open. */
export const monitoringIn = (output: string): string | undefined =>
  /"msg":"the monitoring port is open","url":"http:\/\/([^"]+)"/.exec(output)?.[1];
