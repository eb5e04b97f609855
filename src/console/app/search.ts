// Reads search parameters, in which pages keep their filters.
import { useRouter } from '@tanstack/react-router';
import { useState } from 'react';

/** Returns the parameter if it is one of the choices. */
export const oneOf = <T extends string>(value: unknown, choices: readonly T[]): T | undefined =>
  choices.includes(value as T) ? (value as T) : undefined;

/** Returns the parameter as text; `undefined` when it is empty. The router reads a text of digits as a number. */
export function text(value: unknown): string | undefined {
  const found = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
  return found === '' ? undefined : found;
}

/**
 * Returns a function that says whether the user is still on this page. A search, which reports its text after a pause, asks it so as not to
 * navigate back from the next page.
 */
export function useIsHere(): () => boolean {
  const router = useRouter();
  const [path] = useState(() => router.latestLocation.pathname);
  return () => router.latestLocation.pathname === path;
}
