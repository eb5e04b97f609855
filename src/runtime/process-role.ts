// Holds the role of this process, such as `worker`. The command line sets it, and each log line contains it.

let role: string | null = null;

export function setProcessRole(name: string): void {
  role = name;
}

/** Returns the field `role` for log lines; no field when Hookgraph runs inside a host's process. */
export const roleField = (): { role?: string } => (role === null ? {} : { role });
