// The text of a variable in, its value out, or what it must be: the kinds of variables that there are.
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);

export const list = (text: string) => text.split(/[\s,]+/).filter(Boolean);

export const url = (protocols: string[], example: string) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), `must be a URL like ${example}`);

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

/** The base64, base64url or hex of a key. */
export function decodeKey(text: string): Buffer {
  return Buffer.from(text, /^[0-9a-f]{64}$/i.test(text) ? 'hex' : 'base64');
}

/** A user name or password with a lone % can't be told to the proxy. */
export function isDecodable(text: string): boolean {
  try {
    const { username, password } = new URL(text);
    return decodeURIComponent(username + password) !== null;
  } catch {
    return false;
  }
}

export const orNull = <T>(type: z.ZodType<T, string>): z.ZodType<T | null, string> => type;
