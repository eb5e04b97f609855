// Signs requests by the scheme UP42 (docs/wire-formats.md#signatures): base64(HMAC-SHA256(secret, header values without separators)).
import { createHmac } from 'node:crypto';
import { contentDigest } from './content-digest.js';
import { type Scheme, secondsOf } from './scheme.js';

export const up42: Scheme = {
  // Receivers read everything after the first `=` of the header Signature as one signature, so a request can have only one.
  severalSecrets: false,
  sign({ headers, headerPrefix, body, at }, [secret = '']) {
    const digest = contentDigest(body);
    // The values are signed without separators, as UP42 does. The first and the last value have fixed formats, so bytes of one value can't
    // pass as bytes of another.
    const ownHeaders = ['Time', 'Webhook-Job-Id', 'Topic'].map((name) => `${headerPrefix}${name}`);
    const signed = [...ownHeaders.map((name) => [name, headers[name] ?? '']), ['Content-Digest', digest]] as [string, string][];
    const names = signed.map(([name]) => `"${name.toLowerCase()}"`).join(' ');
    const values = signed.map(([, value]) => value).join('');
    return {
      'Content-Digest': digest,
      'Signature-Input': `up42-sig=(${names});created=${secondsOf(at)}`,
      Signature: `up42-sig=${createHmac('sha256', secret).update(values).digest('base64')}`,
    };
  },
};
