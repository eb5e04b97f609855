// Writes a sent request as a command for curl.
import type { Sent } from './queries';

/** Headers that curl writes by itself, or that would contradict the body. */
const OWN = new Set(['content-length', 'host', 'connection', 'transfer-encoding', 'accept-encoding']);

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export function curlOf({ url, headers, body }: Pick<Sent, 'url' | 'headers' | 'body'>): string {
  const sent = Object.entries((headers ?? {}) as Record<string, unknown>).filter(([name]) => !OWN.has(name.toLowerCase()));
  const lines = [
    `curl -X POST ${quote(url)}`,
    ...sent.map(([name, value]) => `-H ${quote(`${name}: ${String(value)}`)}`),
    ...(body === null ? [] : [`--data-binary ${quote(body)}`]),
  ];
  return lines.join(' \\\n  ');
}
