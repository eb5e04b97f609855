// Writes the data of a response as JSON, in pieces: a long response would hold up the requests of others.
import type { ExecutionResult } from 'graphql';
import { stringifyJson } from '../../runtime/exact-json.mjs';
import { type Account, loopShare } from '../../runtime/loop-share.js';
import { isLonger } from '../../webhooks/index.js';

/** Characters that are written in one piece. */
const PIECE = 65_536;

/**
 * Returns a function that writes a result with this data, such as the result with its errors masked; `null` when the data has more than
 * `maxLength` characters.
 * @throws NoSlotError when the account waited too long for its turn
 */
export async function stringifyData(
  data: object,
  { account, maxLength }: { account: Account | null; maxLength: number },
): Promise<((result: ExecutionResult) => string) | null> {
  if (!isLonger(data, Math.min(PIECE, maxLength))) return stringifyJson;
  const writer = new Writer(account, maxLength);
  await writer.write(data);
  if (writer.isTooLong) return null;
  const text = writer.parts.join('');
  return (result) => {
    const parts = Object.entries(result).flatMap(([name, value]) => {
      const json = value === data ? text : stringifyJson(value);
      return json === undefined ? [] : [`${JSON.stringify(name)}:${json}`];
    });
    return `{${parts.join(',')}}`;
  };
}

class Writer {
  readonly parts: string[] = [];

  constructor(
    private readonly account: Account | null,
    private left: number,
  ) {}

  get isTooLong(): boolean {
    return this.left < 0;
  }

  async write(value: unknown): Promise<void> {
    if (this.isTooLong) return;
    const turn = this.account ? loopShare.turn(this.account) : undefined;
    if (turn) await turn;
    if (typeof value !== 'object' || value === null || 'toJSON' in value || !isLonger(value, PIECE))
      this.add(stringifyJson(value) ?? 'null');
    else if (Array.isArray(value)) await this.writeItems(value);
    else await this.writeFields(value);
  }

  private async writeItems(items: unknown[]): Promise<void> {
    this.add('[');
    for (const [index, item] of items.entries()) {
      if (index > 0) this.add(',');
      await this.write(item);
    }
    this.add(']');
  }

  private async writeFields(value: object): Promise<void> {
    let before = '{';
    for (const [name, field] of Object.entries(value)) {
      // Leaves these fields out, as JSON.stringify does, because JSON has no such values.
      if (field === undefined || typeof field === 'function' || typeof field === 'symbol') continue;
      this.add(`${before}${JSON.stringify(name)}:`);
      before = ',';
      await this.write(field);
    }
    this.add(before === '{' ? '{}' : '}');
  }

  private add(text: string): void {
    this.left -= text.length;
    this.parts.push(text);
  }
}
