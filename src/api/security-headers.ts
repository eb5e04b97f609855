// Creates the security headers of every response, and the Content-Security-Policy of HTML pages.
import { createHash } from 'node:crypto';
import type { Answer } from './answer.js';

const NOTHING = {
  'default-src': ["'none'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
};

/** Returns the headers of every response. https://owasp.org/www-project-secure-headers/ recommends them. */
export function securityHeaders({ baseUrl }: { baseUrl: string }): Record<string, string> {
  return {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': policy(NOTHING),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    ...(new URL(baseUrl).protocol === 'https:' && { 'Strict-Transport-Security': 'max-age=31536000' }),
  };
}

/**
 * Returns an HTML page that may load only the listed sources. If the page has an inline script, the policy also allows
 * the script's hash.
 * @param needs sources by directive, e.g. `{ 'connect-src': ["'self'"] }`
 */
export function page(body: string, needs: Record<string, string[]> = {}): Answer {
  const { 'script-src': sources = [], ...others } = needs;
  const script = body.includes('<script>') ? body.slice(body.indexOf('<script>') + '<script>'.length, body.lastIndexOf('</script>')) : null;
  const scripts = script === null ? sources : [...sources, `'sha256-${createHash('sha256').update(script).digest('base64')}'`];
  const allowed = { ...NOTHING, ...(scripts.length > 0 && { 'script-src': scripts }), ...others };
  return {
    status: 200,
    contentType: 'text/html; charset=utf-8',
    body,
    headers: { 'Content-Security-Policy': policy(allowed) },
  };
}

function policy(directives: Record<string, string[]>): string {
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources.join(' ')}`)
    .join('; ');
}
