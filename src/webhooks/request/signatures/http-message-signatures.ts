// Signs requests by RFC 9421 (https://www.rfc-editor.org/rfc/rfc9421) with hmac-sha256. The body is covered by its RFC 9530 digest.
import { createHmac } from 'node:crypto';
import { contentDigest } from './content-digest.js';
import { type Scheme, secondsOf } from './scheme.js';

/** Returns the `keyid`, by which a receiver recognizes the secret without learning it. */
const keyIdOf = (secret: string): string => createHmac('sha256', secret).update('hookgraph keyid').digest('hex').slice(0, 16);

export const httpMessageSignatures: Scheme = {
  severalSecrets: true,
  sign({ method, url, headers, headerPrefix, body, at }, secrets) {
    const digest = contentDigest(body);
    const { host, pathname, search } = new URL(url);
    const field = (name: string) => [name.toLowerCase(), headers[name] ?? ''];
    // Signs method, host, path and query instead of @target-uri: behind a proxy that terminates TLS, a receiver sees `http` instead of
    // `https`.
    const covered = [
      ['@method', method],
      ['@authority', host],
      ['@path', pathname],
      ...(search === '' ? [] : [['@query', search]]),
      ['content-digest', digest],
      field('Content-Type'),
      ...['Topic', 'Webhook-Job-Id', 'Time'].map((name) => field(`${headerPrefix}${name}`)),
      ...['Sequence', 'Previous-Sequence']
        .map((name) => `${headerPrefix}${name}`)
        .flatMap((name) => (headers[name] === undefined ? [] : [field(name)])),
    ];
    const names = covered.map(([name]) => `"${name}"`).join(' ');
    const lines = covered.map(([name, value]) => `"${name}": ${value}\n`).join('');
    const signatures = secrets.map((secret, index) => {
      const label = `sig${index + 1}`;
      const input = `(${names});created=${secondsOf(at)};keyid="${keyIdOf(secret)}";alg="hmac-sha256"`;
      const signature = createHmac('sha256', secret).update(`${lines}"@signature-params": ${input}`).digest('base64');
      return { input: `${label}=${input}`, signature: `${label}=:${signature}:` };
    });
    return {
      'Content-Digest': digest,
      'Signature-Input': signatures.map(({ input }) => input).join(', '),
      Signature: signatures.map(({ signature }) => signature).join(', '),
    };
  },
};
