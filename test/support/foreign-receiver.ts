// Starts a receiver in another language: a process that verifies signatures as a customer's receiver does.
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from './until.js';

const LANGUAGES = {
  python3: { script: 'verify-hmac.py', needs: ['-c', 'import http.server, hmac'] },
  perl: { script: 'verify-hmac.pl', needs: ['-MDigest::SHA', '-MJSON::PP', '-MIO::Socket::INET', '-e', '1'] },
};
export type Language = keyof typeof LANGUAGES;

/** The languages that this machine has. */
export function installedLanguages(): Language[] {
  return (Object.keys(LANGUAGES) as Language[]).filter((language) => spawnSync(language, LANGUAGES[language].needs).status === 0);
}

export interface ForeignRequest {
  path: string;
  /** The headers by lower-case name. */
  headers: Record<string, string>;
  body: string;
  /** Whether the signature was right. The receiver answers 401 to a request with a wrong signature. */
  verified: boolean;
}

export interface ForeignReceiver {
  url: string;
  requests: ForeignRequest[];
  waitFor(count: number): Promise<ForeignRequest[]>;
  close(): void;
}

/** Starts the receiver. `program`: its script; the default verifies SCOPE signatures. */
export async function startForeignReceiver(
  language: Language,
  secret: string,
  program = LANGUAGES[language].script,
): Promise<ForeignReceiver> {
  const script = fileURLToPath(new URL(`foreign-receivers/${program}`, import.meta.url));
  const child = spawn(language, [script, secret], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const requests: ForeignRequest[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (lines.push(line) > 1) requests.push(JSON.parse(line));
  });
  const port = await until(`the receiver in ${language} listens`, () => {
    if (child.exitCode !== null) throw new Error(`the receiver in ${language} ended with ${child.exitCode}`);
    return lines[0];
  });
  return {
    url: `http://127.0.0.1:${port}/hook?from=hookgraph`,
    requests,
    waitFor: (count) => until(`${count} requests came`, () => (requests.length >= count ? requests : null)),
    close: () => void child.kill('SIGKILL'),
  };
}
