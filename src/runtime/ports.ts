// Parses a list of ports and ranges into a predicate for ports.

/**
 * Unprivileged ports that commonly serve another protocol than HTTP: NFS, databases, queues, caches, remote desktops and
 * control planes. By default, deliveries to them are refused, because a request could trigger an action there.
 */
const OTHER_SERVICES =
  '1433,1521,2049,2181,2375-2380,3306,3389,4045,5060-5061,5432,5672,5900-5903,5984,6000-6007,6379,6443,6660-6669,9042,9092,9200,9300,10250,10255,11211,26379,27017-27019';

/** Ports 80, 443 and all unprivileged ports, except those of other services. */
export const USUAL_PORTS = ['80,443,1024-65535', ...OTHER_SERVICES.split(',').map((item) => `!${item}`)].join(',');

/**
 * Parses a list like `443,8000-8999,!8500`: ports and ranges, with exceptions after `!`.
 * @returns `null` when the list is invalid or has only exceptions
 */
export function parsePorts(text: string): ((port: number) => boolean) | null {
  const ranges: [number, number][] = [];
  const exceptions: [number, number][] = [];
  for (const item of text.split(/[\s,]+/).filter(Boolean)) {
    const { not, from, to } = /^(?<not>!?)(?<from>\d{1,5})(?:-(?<to>\d{1,5}))?$/.exec(item)?.groups ?? {};
    const [first, last] = [Number(from), Number(to ?? from)];
    if (!(first >= 1 && first <= last && last <= 65_535)) return null;
    (not ? exceptions : ranges).push([first, last]);
  }
  const within = (list: [number, number][], port: number) => list.some(([first, last]) => port >= first && port <= last);
  return ranges.length === 0 ? null : (port) => within(ranges, port) && !within(exceptions, port);
}
