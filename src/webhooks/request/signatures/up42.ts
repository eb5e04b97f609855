// Signs by UP42 (docs/wire-formats.md#signatures): base64(HMAC-SHA256(secret, the values of the listed headers without separators)).
import { createHmac } from 'node:crypto';
import { contentDigest } from './content-digest.js';
import { type Scheme, secondsOf } from './scheme.js';

export const up42: Scheme = {
  // Receivers take everything after the first `=` of `signature` for one signature.
  severalSecrets: false,
  sign({ headers, headerPrefix, body, at }, [secret = '']) {
    const digest = contentDigest(body);
    // The first and the last value have a fixed format. Without separators, bytes could otherwise move from one value to the next.
    const ours = ['Time', 'Webhook-Job-Id', 'Topic'].map((name) => `${headerPrefix}${name}`);
    const signed = [...ours.map((name) => [name, headers[name] ?? '']), ['Content-Digest', digest]] as [string, string][];
    const names = signed.map(([name]) => `"${name.toLowerCase()}"`).join(' ');
    const values = signed.map(([, value]) => value).join('');
    return {
      'Content-Digest': digest,
      'Signature-Input': `up42-sig=(${names});created=${secondsOf(at)}`,
      Signature: `up42-sig=${createHmac('sha256', secret).update(values).digest('base64')}`,
    };
  },
};
