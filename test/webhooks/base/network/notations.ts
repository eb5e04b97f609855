// Writes an IPv4 address in every notation, and lists addresses of each kind that isn't public.

/** Returns the `https://…/` URLs of an IPv4 address in every notation that some parser accepts. */
export function notations(ipv4: string): string[] {
  const [a, b, c, d] = ipv4.split('.').map(Number) as [number, number, number, number];
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  const hex = (value: number, digits = 0) => value.toString(16).padStart(digits, '0');
  const octal = (value: number) => `0${value.toString(8)}`;
  const high = hex(a * 256 + b);
  const low = hex(c * 256 + d);
  const wide = (text: string, zero: string) =>
    text.replace(/\d/g, (digit) => String.fromCodePoint((zero.codePointAt(0) as number) + Number(digit)));
  const hosts = [
    ipv4,
    `${ipv4}.`,
    String(number),
    `0x${hex(number)}`,
    `0X${hex(number, 8).toUpperCase()}`,
    octal(number),
    `${a}.${(b * 256 + c) * 256 + d}`,
    `${a}.${b}.${c * 256 + d}`,
    [a, b, c, d].map((part) => `0x${hex(part)}`).join('.'),
    [a, b, c, d].map(octal).join('.'),
    `0x${hex(a)}.${octal(b)}.${c * 256 + d}`,
    [a, b, c, d].map((part) => `0000${part.toString(8)}`).join('.'),
    wide(ipv4, '０'),
    wide(ipv4, '𝟎'),
    wide(ipv4, '𝟘'),
    ipv4.replaceAll('.', '。'),
    ipv4.replaceAll('.', '．'),
    ipv4.replaceAll('.', '｡'),
    ipv4.replace('.', '%2e'),
    ipv4.replace(/\d/g, (digit) => `%3${digit}`),
    `${ipv4[0]}\u00ad${ipv4.slice(1)}`,
    `${ipv4[0]}\u200b${ipv4.slice(1)}`,
    `[::ffff:${ipv4}]`,
    `[::ffff:${high}:${low}]`,
    `[0:0:0:0:0:FFFF:${high}:${low}]`,
    `[0000:0000:0000:0000:0000:ffff:${ipv4}]`,
    `[64:ff9b::${ipv4}]`,
    `[64:ff9b::${high}:${low}]`,
    `[2002:${high}:${low}::]`,
    `[2002:${high}:${low}:1::1]`,
  ];
  return hosts.map((host) => `https://${host}/`);
}

/** Returns IPv6 addresses that embed an IPv4 address where no router reads it; they are refused whatever address they embed. */
export function carriers(ipv4: string): string[] {
  const [a, b, c, d] = ipv4.split('.').map(Number) as [number, number, number, number];
  const pair = (x: number, y: number) => (x * 256 + y).toString(16);
  const not = (x: number, y: number) => pair(255 - x, 255 - y);
  return [
    `[::${ipv4}]`,
    `[::${pair(a, b)}:${pair(c, d)}]`,
    `[::ffff:0:${ipv4}]`,
    `[64:ff9b:1::${ipv4}]`,
    `[64:ff9b:1:ffff::${pair(a, b)}:${pair(c, d)}]`,
    `[2001:0:4136:e378:8000:63bf:${not(a, b)}:${not(c, d)}]`,
    `[2606:4700::5efe:${ipv4}]`,
    `[2606:4700::200:5efe:${pair(a, b)}:${pair(c, d)}]`,
    `[fe80::5efe:${ipv4}]`,
  ].map((host) => `https://${host}/`);
}

/** One address of each kind that isn't public. */
export const NOT_PUBLIC = [
  ...['127.0.0.1', '127.255.255.254', '0.0.0.0', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', '169.254.1.1'],
  ...['100.64.0.1', '192.0.0.8', '192.0.2.1', '192.31.196.1', '192.52.193.1', '192.88.99.1', '192.175.48.1', '198.18.0.1'],
  ...['198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255'],
];
export const METADATA = ['169.254.169.254', '169.254.170.2', '169.254.170.23', '100.100.100.200', '168.63.129.16', '192.0.0.192'];
