// Finds the address by which programs of this machine reach each other.
import { networkInterfaces } from 'node:os';

/** Returns `127.0.0.1`, or `::1` on a machine that has only IPv6. */
export function loopbackAddress(interfaces = networkInterfaces()): string {
  const families = Object.values(interfaces).flatMap((addresses) =>
    (addresses ?? []).filter(({ internal }) => internal).map(({ family }) => family),
  );
  return families.includes('IPv6') && !families.includes('IPv4') ? '::1' : '127.0.0.1';
}

/** Puts brackets around an IPv6 address, as URLs need it. */
export const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);
