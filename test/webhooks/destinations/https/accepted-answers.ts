// Lists answers over HTTP/1.1 that are accepted, by RFC 9110 and RFC 9112.

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
export const MANY = (count: number, text: string) => text.repeat(count);

/** The name of each answer, its bytes, the expected reply, and whether the server closes the connection after it. */
export const ACCEPTED: [name: string, bytes: string | Buffer, expected: Record<string, unknown>, close: boolean][] = [
  ['an ordinary answer', OK, { body: 'ok' }, false],
  ['a status without a reason, with its space', 'HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok', { body: 'ok' }, false],
  ['a status without a reason and without its space', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', { body: 'ok' }, false],
  ['a reason with bytes beyond ASCII', 'HTTP/1.1 200 D\xe9j\xe0\r\nContent-Length: 2\r\n\r\nok', { body: 'ok' }, false],
  ['several spaces in the status line', 'HTTP/1.1  200  OK\r\nContent-Length: 2\r\n\r\nok', { body: 'ok' }, false],
  ['empty lines before the status line', `\r\n\r\n${OK}`, { body: 'ok' }, false],
  ['lines that end in a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\nX-A: b\n\nok', { body: 'ok', headers: { 'x-a': 'b' } }, false],
  [
    'a folded header line',
    'HTTP/1.1 200 OK\r\nX-A: one\r\n\ttwo\r\n  three\r\nContent-Length: 2\r\n\r\nok',
    { headers: { 'x-a': 'one two three', 'content-length': '2' } },
    false,
  ],
  ['white space before a colon', 'HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 2\r\n\r\nok', { headers: { 'x-a': 'b' } }, false],
  ['an empty header value', 'HTTP/1.1 200 OK\r\nX-A:\r\nContent-Length: 2\r\n\r\nok', { headers: { 'x-a': '' } }, false],
  ['the same length twice', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok', { body: 'ok' }, false],
  ['the same length in a list', 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok', { body: 'ok' }, false],
  [
    'Transfer-Encoding beside Content-Length, which it overrides',
    'HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    { body: 'ok' },
    false,
  ],
  [
    'a body in another charset',
    'HTTP/1.1 200 OK\r\nContent-Type: text/xml; Charset="ISO-8859-1"\r\nContent-Length: 8\r\n\r\n<a>\xe4</a>',
    { body: '<a>ä</a>' },
    false,
  ],
  [
    'a body in UTF-16',
    Buffer.concat([
      Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=utf-16\r\nContent-Length: 6\r\n\r\n'),
      Buffer.from('\ufeff{}', 'utf16le'),
    ]),
    { body: '{}' },
    false,
  ],
  [
    'a body in UTF-16 that only its byte order mark tells',
    Buffer.concat([
      Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 6\r\n\r\n'),
      Buffer.from('\ufeff{}', 'utf16le').swap16(),
    ]),
    { body: '{}' },
    false,
  ],
  [
    'a body in a charset that nobody knows',
    'HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=x-ours\r\nContent-Length: 2\r\n\r\n\xc3\xa4',
    { body: 'ä' },
    false,
  ],
  [
    'a body with a byte order mark',
    'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n\xef\xbb\xbf{}',
    { body: '{}' },
    false,
  ],
  ['a repeated header', 'HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nok', { headers: { 'x-a': '1, 2' } }, false],
  ['Connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok', { body: 'ok' }, true],
  ['a body until the connection ends', 'HTTP/1.1 200 OK\r\n\r\nok', { body: 'ok' }, true],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nok', { body: 'ok' }, true],
  ['HTTP/1.0 with a length', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', { body: 'ok' }, true],
  ['a later minor version', 'HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok', { body: 'ok' }, false],
  ['an unasked 100', `HTTP/1.1 100 Continue\r\n\r\n${OK}`, { status: 200, body: 'ok' }, false],
  [
    'several informational answers',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 199\r\n\r\n${OK}`,
    { status: 200, body: 'ok' },
    false,
  ],
  ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n', { body: 'ok' }, false],
  [
    'chunk extensions and trailers',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b;c="d"\r\nok\r\n0;e\r\nX-Trailer: t\r\n\r\n',
    { body: 'ok' },
    false,
  ],
  ['a transfer coding that ends with the connection', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nok', { body: 'ok' }, true],
  ['204, whose body is none', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, body: '' }, false],
  ['204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n', { status: 204, body: '' }, false],
  ['204 with a body, which is not read', 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok', { status: 204, body: '' }, false],
  ['205', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n', { status: 205, body: '' }, false],
  ['304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n', { status: 304, body: '' }, false],
  ['an announced upgrade', 'HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nok', { body: 'ok' }, false],
  ['a status that nobody knows', 'HTTP/1.1 299 Fine\r\nContent-Length: 2\r\n\r\nok', { status: 299 }, false],
  ['a status beyond 599', 'HTTP/1.1 799 Odd\r\nContent-Length: 2\r\n\r\nok', { status: 799 }, false],
  [
    '20 KB of headers',
    `HTTP/1.1 200 OK\r\nX-A: ${MANY(20_000, 'a')}\r\nContent-Length: 2\r\n\r\nok`,
    { body: 'ok', headers: { 'x-a': MANY(20_000, 'a') } },
    false,
  ],
  ['60 KB of headers', `HTTP/1.1 200 OK\r\n${MANY(60, `X-A: ${MANY(990, 'a')}\r\n`)}Content-Length: 2\r\n\r\nok`, { body: 'ok' }, false],
];
