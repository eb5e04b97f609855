// Explains TLS errors of connections to receivers, and how their operators can correct them.

type TlsError = Error & { code?: string; host?: string };

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

/** Returns an explanation that ends with the code of the error; `null` for an error that is not a known TLS error. */
export function tlsMessage(error: TlsError): string | null {
  const say = BY_CODE[error.code ?? ''];
  return say ? `${say(error)} (${error.code})` : null;
}
