// Keeps the console's sign-in: an http-only cookie that contains the encrypted token, and the checks against forged requests.
import type { IncomingMessage } from 'node:http';
import type { App } from '../app.js';

/** Days after which a session ends, even if its token is still valid. */
const MAX_DAYS = 7;
const DAY_MS = 86_400_000;

/** Binds the ciphertext to its use: no other encrypted value of this installation can be decrypted as a session. */
const PLACE = { table: 'console', row: 'session', field: 'token' };

export interface Sessions {
  /** Returns the token in the request's cookie; `null` without a valid cookie, and for a request that another site may have caused. */
  tokenOf(request: IncomingMessage): string | null;
  /** Returns the Set-Cookie header that begins a session. */
  begin(token: string, expiresAt: Date | null): string;
  /** The Set-Cookie header that ends a session in this browser. */
  end: string;
  /** Whether the browser says that the request comes from a page of this origin. */
  isSameOrigin(request: IncomingMessage): boolean;
}

/** `now`: the clock, in milliseconds. */
export function createSessions({ config, webhooks }: App, now: () => number = Date.now): Sessions {
  const base = new URL(config.baseUrl);
  const isSecure = base.protocol === 'https:';
  // Cookies are shared by all ports of a host, so the name has the port. The prefix __Host- needs Secure, which Safari refuses over http.
  const name = isSecure ? '__Host-hookgraph' : `hookgraph-${base.port || '80'}`;
  const attributes = `Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
  const { vault } = webhooks.engine;

  /**
   * Browsers send Sec-Fetch-Site to https and localhost only; for other origins the Origin header must name this host. No page can set
   * these headers.
   */
  const isSameOrigin = ({ headers }: IncomingMessage): boolean => {
    const site = headers['sec-fetch-site'];
    if (site !== undefined) return site === 'same-origin';
    const { origin } = headers;
    if (origin === undefined || !URL.canParse(origin)) return false;
    return origin === base.origin || new URL(origin).host === headers.host;
  };

  return {
    isSameOrigin,
    tokenOf(request) {
      const sealed = new RegExp(`(?:^|;\\s*)${name}=([\\w.-]+)`).exec(request.headers.cookie ?? '')?.[1];
      if (sealed === undefined || !isSameOrigin(request)) return null;
      const [fingerprint = '', ciphertext = ''] = sealed.split('.');
      try {
        const { token, until } = JSON.parse(vault.open(PLACE, Buffer.from(ciphertext, 'base64url'), fingerprint));
        return until > now() ? token : null;
      } catch {
        // The cookie was altered, or belongs to another installation on this host.
        return null;
      }
    },
    begin(token, expiresAt) {
      const end = now() + MAX_DAYS * DAY_MS;
      const until = expiresAt instanceof Date ? Math.min(end, expiresAt.getTime()) : end;
      const { ciphertext, fingerprint } = vault.seal(PLACE, JSON.stringify({ token, until }));
      const seconds = Math.max(1, Math.floor((until - now()) / 1000));
      return `${name}=${fingerprint}.${ciphertext.toString('base64url')}; Max-Age=${seconds}; ${attributes}`;
    },
    end: `${name}=; Max-Age=0; ${attributes}`,
  };
}
