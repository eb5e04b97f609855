// Compares the API's answers for another organization's id and for an unused id, and finds that organization's data in an answer.
import { randomUUID } from 'node:crypto';

/**
 * The prefix of every text in the other organization's data, before a hyphen and more letters. Only the bare prefix may
 * be sent in a request, and repeated in its answer.
 */
export const MARKER = 'PLANTED';
const PLANTED = /PLANTED-[\w-]+/g;

/** Returns a key of the same kind that no row has. */
export const nobodys = (key: string) => (/^\d+$/.test(key) ? String(BigInt(key) + 1n) : randomUUID());

/** Replaces values that may differ between two answers: the requested ids, and values that are new in each answer. */
export function normal(answer: unknown): string {
  return JSON.stringify(answer)
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>')
    .replaceAll(/"\d{15,}"/g, '"<number>"')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/\bhg_[\w-]+/g, '<token>')
    .replaceAll(/\bx-\d+/g, 'x')
    .replaceAll(/"durationMs":[\d.]+/g, '"durationMs":0')
    .replaceAll(/[A-Za-z0-9_-]{20,}/g, (text) => (/^[A-Za-z]+:/.test(Buffer.from(text, 'base64url').toString()) ? '<id>' : text));
}

export function leaksIn(answer: unknown): string[] {
  return [...new Set(JSON.stringify(answer).match(PLANTED) ?? [])];
}

/** Runs six tasks at a time, because each mostly waits for the database. */
export async function atOnce(tasks: (() => Promise<void>)[]): Promise<void> {
  const left = [...tasks];
  const worker = async () => {
    for (let task = left.shift(); task; task = left.shift()) await task();
  };
  await Promise.all(Array.from({ length: 6 }, worker));
}
