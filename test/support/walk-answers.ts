// Answers to two ids, another's and nobody's, in; what tells them apart, and what they show of the other's, out.
import { randomUUID } from 'node:crypto';

/** In every text of the other organization, with something behind it; by itself it may be asked for and echoed. */
export const MARKER = 'PLANTED';
const PLANTED = /PLANTED-[\w-]+/g;

/** A key of the same kind that no row has. */
export const nobodys = (key: string) => (/^\d+$/.test(key) ? String(BigInt(key) + 1n) : randomUUID());

/** What two answers may differ in: the ids that were asked for, and what is made anew each time. */
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

/** A few at a time: what they wait for is the database. */
export async function atOnce(tasks: (() => Promise<void>)[]): Promise<void> {
  const left = [...tasks];
  const worker = async () => {
    for (let task = left.shift(); task; task = left.shift()) await task();
  };
  await Promise.all(Array.from({ length: 6 }, worker));
}
