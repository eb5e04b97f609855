// Parses the texts of environment variables: whole numbers, URLs, networks, origins, keys and others.
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { faultOfUrl } from './database-url/connection-options.js';

export interface Variable<T> {
  name: string;
  meaning: string;
  parse: z.ZodType<T, string>;
  /** The default text, which may depend on the texts of variables listed earlier; `null`: no value. */
  fallback: string | null | ((texts: Record<string, string | null>) => string);
  secret?: true;
  /** Whether an empty text is a value; otherwise an empty variable counts as unset. */
  emptyCounts?: true;
}

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);

export const list = (text: string) => text.split(/[\s,]+/).filter(Boolean);

export const url = (protocols: string[], example: string) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), `must be a URL like ${example}`);

export const databaseUrl = z
  .string()
  .superRefine((text, context) => {
    const message = faultOfUrl(text);
    if (message !== null) context.addIssue({ code: 'custom', message });
  })
  .transform((text) => text.trim());

export const networks = z
  .string()
  .refine(
    (text) => list(text).every((item) => ipaddr.isValidCIDR(item) || ipaddr.isValid(item)),
    'must be a list of networks like 10.0.0.0/8,::1/128',
  )
  .transform((text) =>
    list(text).map((item) => (item.includes('/') ? item : `${item}/${ipaddr.parse(item).kind() === 'ipv4' ? 32 : 128}`)),
  );

export const origins = z
  .string()
  .refine(
    (text) => list(text).every((item) => /^https?:/.test(item) && URL.canParse(item) && new URL(item).origin === item),
    'must be a list of origins like https://app.example.com, without a path',
  )
  .transform(list);

export const keys = z
  .string()
  .refine(
    (text) => list(text).length > 0 && list(text).every((item) => decodeKey(item).length === 32),
    'must be a list of keys, each the base64 or hex of 32 bytes',
  )
  .transform((text) => list(text).map(decodeKey));

/** Decodes a key written as base64, base64url or hex. */
export function decodeKey(text: string): Buffer {
  return Buffer.from(text, /^[0-9a-f]{64}$/i.test(text) ? 'hex' : 'base64');
}

/** Whether the user name and password of a proxy URL can be percent-decoded; a lone `%` can't. */
export function isDecodable(text: string): boolean {
  try {
    const { username, password } = new URL(text);
    return decodeURIComponent(username + password) !== null;
  } catch {
    return false;
  }
}

export const orNull = <T>(type: z.ZodType<T, string>): z.ZodType<T | null, string> => type;

const SHARES: Record<string, number | null> = { off: null, failures: 0, all: 1 };

/** Parses the share of successful and skipped attempts to log besides all failed ones; `null`: no attempt is logged. */
export const attemptShare = z
  .string()
  .refine(
    (text) => Object.hasOwn(SHARES, text) || (/^[01]?(\.\d+)?$/.test(text) && text !== '' && Number(text) <= 1),
    'must be failures, all, off, or a share from 0 to 1 like 0.01',
  )
  .transform((text): number | null => (Object.hasOwn(SHARES, text) ? (SHARES[text] as number | null) : Number(text)));
