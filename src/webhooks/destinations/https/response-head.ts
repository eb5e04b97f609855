// Repairs the head (status line and headers) of an HTTP/1.1 response, when RFC 9112 allows it but a strict parser rejects it. Pure
// functions.

const [TAB, LF, CR, SPACE, COMMA, COLON] = [9, 10, 13, 32, 44, 58];
const [C, T] = ['c'.charCodeAt(0), 't'.charCodeAt(0)];

/**
 * Whether a strict parser accepts a head: a final status, lines that end in CRLF, no folded line, no white space before a colon, and at
 * most one of Content-Length and Transfer-Encoding. True for nearly all heads, so it must be quick.
 */
export function isOrdinary(head: Buffer): boolean {
  // The head must begin with "HTTP/1.0 " or "HTTP/1.1 " and a status of 200 or higher.
  if (head[0] !== 72 || head[5] !== 49 || (head[7] !== 49 && head[7] !== 48) || (head[9] as number) < 50 || head[8] !== SPACE) return false;
  let lengths = 0;
  let isLineStart = false;
  let hasColon = true;
  for (let index = 0; index < head.length; index++) {
    const byte = head[index] as number;
    if (isLineStart) {
      if (byte === SPACE || byte === TAB) return false;
      const lower = byte | 32;
      if (lower === C && isName(head, index, 'content-length')) {
        lengths += 1;
        // Repeated equal lengths, as in "5, 5", may be accepted: https://www.rfc-editor.org/rfc/rfc9110#section-8.6
        if (head.subarray(index, head.indexOf(LF, index)).includes(COMMA)) return false;
      }
      if (lower === T && isName(head, index, 'transfer-encoding')) lengths += 1;
      if (lengths > 1) return false;
      hasColon = false;
      isLineStart = false;
    }
    if (byte === LF) {
      if (head[index - 1] !== CR) return false;
      isLineStart = true;
    } else if (byte === COLON && !hasColon) {
      hasColon = true;
      const before = head[index - 1];
      if (before === SPACE || before === TAB) return false;
    }
  }
  return true;
}

function isName(head: Buffer, index: number, name: string): boolean {
  return head.toString('latin1', index, index + name.length).toLowerCase() === name;
}

type Repaired = { status: number; head: string } | { status: number; refused: string };

/**
 * Repairs white space and line ends, as https://www.rfc-editor.org/rfc/rfc9112#section-2.2 and #section-5 allow. Returns the reason when
 * the head must be refused.
 */
export function repairHead(text: string): Repaired {
  const lines = text.replace(/^[\r\n]+/, '').split(/\r?\n/);
  const [, minor, digits, reason = ''] = /^HTTP\/1\.(\d)[ \t]+(\d{3})(?:[ \t](.*))?$/.exec(lines[0] ?? '') ?? [];
  if (digits === undefined) return { status: 0, refused: 'is not HTTP/1.1: its first line is not a status line' };
  const status = Number(digits);
  const refused = (why: string): Repaired => ({ status, refused: why });
  if (status < 100) return refused('has a status that HTTP does not define');
  // A request that asks for no other protocol must not get one: https://www.rfc-editor.org/rfc/rfc9110#section-7.8
  if (status === 101) return refused('switches to another protocol, although the request allowed none');
  const fields = unfold(lines.slice(1));
  if (fields === null) return refused('has a header line without a name');
  // Splits at the comma and then trims. A regular expression with white space on both sides takes seconds for a long run of spaces.
  const lengths = new Set(valuesOf(fields, 'content-length').flatMap((value) => value.split(',').map((part) => part.trim())));
  if (lengths.size > 1) return refused('has several different values of Content-Length');
  const isCoded = valuesOf(fields, 'transfer-encoding').length > 0;
  const kept = fields.filter(([name]) => name.toLowerCase() !== 'content-length');
  // Transfer-Encoding overrides Content-Length, and the connection is closed after the response:
  // https://www.rfc-editor.org/rfc/rfc9112#section-6.3
  if (isCoded && lengths.size > 0) kept.push(['connection', 'close']);
  if (!isCoded) for (const length of lengths) kept.push(['content-length', length]);
  const version = minor === '0' ? '1.0' : '1.1';
  return { status, head: `HTTP/${version} ${digits} ${reason}\r\n${kept.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n` };
}

type Field = [name: string, value: string];

/** Joins folded lines by a space, and removes the white space around names and values. Returns `null` when a line is not a header. */
function unfold(lines: string[]): Field[] | null {
  const fields: Field[] = [];
  // The parts of a folded value are joined once, because appending to a string many times could be slow.
  let parts: string[] = [];
  const end = () => {
    const last = fields.at(-1);
    if (last && parts.length > 1) last[1] = parts.join(' ').trim();
  };
  for (const line of lines) {
    if (line === '') continue;
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (fields.length === 0) return null;
      parts.push(line.trim());
      continue;
    }
    end();
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trim();
    if (name === '') return null;
    parts = [line.slice(colon + 1).trim()];
    fields.push([name, parts[0] as string]);
  }
  end();
  return fields;
}

const valuesOf = (fields: Field[], header: string): string[] =>
  fields.flatMap(([name, value]) => (name.toLowerCase() === header ? [value] : []));
