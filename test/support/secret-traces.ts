// Lists the encodings in which a receiver may repeat a secret, and the texts to search for in places that must not
// contain the secret.

/** Returns a text in every encoding in which receivers repeat it. */
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

/**
 * Returns the texts that betray a secret. Planted secrets use letters that JSON, URLs and XML don't escape; base64
 * encodes them in three ways, by their offset.
 */
export function tracesOf(secret: string): string[] {
  const inside = [0, 1, 2].map((before) =>
    Buffer.from('x'.repeat(before) + secret)
      .toString('base64')
      .slice(before === 0 ? 0 : before + 1, -4),
  );
  const hex = Buffer.from(secret).toString('hex');
  return [secret, hex, hex.toUpperCase(), ...inside];
}
