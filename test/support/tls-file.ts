// Reads a PEM file of test/support/tls by its name.
import { readFileSync } from 'node:fs';

export const tlsPath = (name: string): string => new URL(`tls/${name}.pem`, import.meta.url).pathname;
export const tlsFile = (name: 'ca' | 'key' | 'receiver' | 'other' | 'expired' | 'self-signed'): string =>
  readFileSync(tlsPath(name), 'utf8');
