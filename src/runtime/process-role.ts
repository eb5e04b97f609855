// Holds what this process does, such as `worker`: the command line sets it, and each log line repeats it.

let role: string | null = null;

export function setProcessRole(name: string): void {
  role = name;
}

/** Returns the field `role` of log lines; no field where Hookgraph runs inside a host's process. */
export const roleField = (): { role?: string } => (role === null ? {} : { role });
