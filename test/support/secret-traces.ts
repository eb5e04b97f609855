// A secret in; how receivers repeat it, and what to look for where it must not be, out.

/** As receivers repeat it. */
export function writtenIn(text: string): string[] {
  const bytes = Buffer.from(text);
  return [
    text,
    JSON.stringify(text),
    encodeURIComponent(text),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
}

/** What to look for: planted secrets are of letters that JSON, URLs and XML write as they are; base64 has three ways to begin. */
export function tracesOf(secret: string): string[] {
  const inside = [0, 1, 2].map((before) =>
    Buffer.from('x'.repeat(before) + secret)
      .toString('base64')
      .slice(before === 0 ? 0 : before + 1, -4),
  );
  const hex = Buffer.from(secret).toString('hex');
  return [secret, hex, hex.toUpperCase(), ...inside];
}
