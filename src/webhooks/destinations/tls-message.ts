// Explains TLS errors of connections to receivers, and how their operators can correct them.

type TlsError = Error & { code?: string; host?: string; reason?: string };

const CHAIN =
  "The receiver's certificate can't be verified: the server doesn't send an intermediate certificate, or a private authority issued the certificate. Install the full chain on the server, or ask the operator to add the authority to HOOKGRAPH_CA_FILE.";
const SELF_SIGNED =
  "The receiver's certificate is signed by itself or by a private authority. Install a certificate of a public authority, or ask the operator to add this one to HOOKGRAPH_CA_FILE.";
const NO_TLS = 'The receiver does not use TLS on this port. Check the port of the URL.';

const BY_CODE: Record<string, (error: TlsError) => string> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: () => CHAIN,
  UNABLE_TO_GET_ISSUER_CERT: () => CHAIN,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: () => CHAIN,
  DEPTH_ZERO_SELF_SIGNED_CERT: () => SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: () => SELF_SIGNED,
  CERT_HAS_EXPIRED: () => "The receiver's certificate, or another certificate in its chain, has expired. Renew it on the server.",
  CERT_NOT_YET_VALID: () =>
    "The receiver's certificate, or another certificate in its chain, is not valid yet. Check its dates and Hookgraph's clock.",
  ERR_TLS_CERT_ALTNAME_INVALID: ({ host }) =>
    `The receiver's certificate is not valid for the name "${host}". Use a name from the certificate in the URL, or install a certificate for this name.`,
  ERR_SSL_WRONG_VERSION_NUMBER: () => NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: () => NO_TLS,
};

const CLIENT_CERTIFICATE =
  'The receiver demands a client certificate (mutual TLS), which Hookgraph does not send. Turn this off for the callback URL; signatures and `auth` show who sent the request.';
const WEAK =
  "The receiver's certificate, or another certificate in its chain, has a key or signature that is too weak. Install one with an RSA key of at least 2,048 bits and a signature with SHA-256.";

/** Explanations by the error message of OpenSSL or Node, because the codes differ between versions of Node. The first match counts. */
const BY_WORDS: [words: RegExp, explanation: string][] = [
  [
    /protocol version|unsupported protocol|version too low/,
    'The receiver and Hookgraph have no TLS version in common. Enable TLS 1.2 or 1.3 on the server; older versions are insecure.',
  ],
  [/certificate required|alert bad certificate/, CLIENT_CERTIFICATE],
  [
    /alert handshake failure|no ciphers? |insufficient security/,
    'The receiver refused the TLS handshake: it demands a client certificate, which Hookgraph does not send, or supports none of the usual cipher suites. Check the TLS settings of the server.',
  ],
  [
    /no application protocol/,
    'The receiver offers neither HTTP/1.1 nor HTTP/2 over TLS (ALPN). Check the port of the URL, and the protocols that the server offers.',
  ],
  [
    /unrecognized name/,
    "The receiver's TLS server doesn't know the name in the URL. Check the name, or add it to the server's configuration.",
  ],
  [/too small|too weak|md too|key too/, WEAK],
  [
    /certificate purpose/,
    "The receiver's certificate is not meant for servers. Install a certificate whose extended key usage has serverAuth.",
  ],
  [
    /before secure TLS connection/,
    'The receiver closed the connection during the TLS handshake. Check the port and the name in the URL, the certificate of the server, and firewalls in front of it.',
  ],
];

/** Returns an explanation that ends with the code of the error; `null` for an error that is not a TLS error. */
export function tlsMessage(error: TlsError): string | null {
  const { code = '', reason, message } = error;
  const say = BY_CODE[code];
  if (say) return `${say(error)} (${code})`;
  const words = reason ?? message;
  const found = BY_WORDS.find(([pattern]) => pattern.test(words));
  if (found) return `${found[1]} (${code})`;
  // OpenSSL's own messages contain the address of a thread and the paths of its source files.
  return reason !== undefined && code.startsWith('ERR_SSL') ? `The TLS handshake with the receiver failed: ${reason}. (${code})` : null;
}
