// A list of ports as people write it -> whether a port is in it.

/**
 * Where something else than HTTP is known to listen, of the ports that anybody may open: NFS, databases, queues, caches, remote
 * desktops and control planes. A request there is no notification, whatever it does to them.
 */
const OTHER_SERVICES =
  '1433,1521,2049,2181,2375-2380,3306,3389,4045,5060-5061,5432,5672,5900-5903,5984,6000-6007,6379,6443,6660-6669,9042,9092,9200,9300,10250,10255,11211,26379,27017-27019';

/** 80, 443 and every port that is not privileged, without those of other services. */
export const USUAL_PORTS = ['80,443,1024-65535', ...OTHER_SERVICES.split(',').map((item) => `!${item}`)].join(',');

/** `443,8000-8999,!8500`: ports and ranges, without those after a `!`. Null: not such a list, or one of exceptions alone. */
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
