// Finds the first token of a query that exceeds a limit. Runs before the parser, in one pass without recursion, so that the parser never
// sees a source that could exhaust it.
import { GraphQLError, Lexer, Source, type Token, TokenKind } from 'graphql';
import type { QueryLimits } from './query-limits.js';

export interface Breach {
  message: string;
  /** Offset in the source, in characters. */
  start: number;
}

const OPENING = new Set<TokenKind>([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const CLOSING = new Set<TokenKind>([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/**
 * Number of lines for each allowed token. A comment is no token, and a line of a string is none either, but a megabyte of them takes
 * half a second to read.
 */
export const LINES_PER_TOKEN = 2;

/**
 * Returns the first token that exceeds a limit; `null` when there is none. Stops at a token that can't be read, which the parser then
 * reports.
 */
export function scanQuery(source: string, limits: QueryLimits): Breach | null {
  if (source.length > limits.length)
    return { message: `has ${source.length} characters; the limit is ${limits.length}`, start: limits.length };
  const lines = limits.tokens * LINES_PER_TOKEN;
  const beyond = startOfLine(source, lines);
  if (beyond !== null) return { message: `has more than ${lines} lines, which is the limit`, start: beyond };
  const lexer = new Lexer(new Source(source));
  /** One entry per open bracket: the number of values so far for a list, `null` for other brackets. */
  const open: (number | null)[] = [];
  let tokens = 0;
  let directives = 0;
  try {
    for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) {
      const breach = (message: string): Breach => ({ message, start: token.start });
      tokens += 1;
      if (tokens > limits.tokens) return breach(`has more than ${limits.tokens} tokens, which is the limit`);
      const length = (token.value?.length ?? 0) > limits.literal ? token.value?.length : 0;
      if (length) return breach(`contains ${nounOf(token)} of ${length} characters; the limit is ${limits.literal}`);
      if (token.value?.includes('\0')) return breach('contains the character U+0000, which Postgres cannot store');
      if (token.kind === TokenKind.AT) directives += 1;
      if (directives > limits.directives) return breach(`has more than ${limits.directives} directives, which is the limit`);
      if (CLOSING.has(token.kind)) open.pop();
      const within = open.at(-1);
      // A variable is two tokens, `$` and its name; only the name is counted.
      if (typeof within === 'number' && !CLOSING.has(token.kind) && token.kind !== TokenKind.DOLLAR) {
        if (within >= limits.list) return breach(`contains a list of more than ${limits.list} values, which is the limit`);
        open[open.length - 1] = within + 1;
      }
      if (OPENING.has(token.kind)) open.push(token.kind === TokenKind.BRACKET_L ? 0 : null);
      if (open.length > limits.nesting) return breach(`nests more than ${limits.nesting} brackets, which is the limit`);
    }
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
  }
  return null;
}

/** Returns where the line with this number begins, counted from 0; `null` when there are fewer. */
function startOfLine(source: string, number: number): number | null {
  const breaks = /\r\n?|\n/g;
  for (let line = 0; line < number; line++) if (!breaks.test(source)) return null;
  return breaks.lastIndex;
}

function nounOf({ kind }: Token): string {
  if (kind === TokenKind.STRING || kind === TokenKind.BLOCK_STRING) return 'a string';
  return kind === TokenKind.NAME ? 'a name' : 'a number';
}
