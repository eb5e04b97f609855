// Reads the certificates of a PEM file that a configuration variable names.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { z } from 'zod';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/**
 * Returns the PEM text of each certificate. For a missing or invalid file, adds an issue to the variable and returns an
 * empty list.
 */
export function readCertificates(path: string, { addIssue }: z.RefinementCtx<string>): string[] {
  const wrong = (message: string): string[] => {
    addIssue({ code: 'custom', message });
    return [];
  };
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return wrong(`must be a readable file (${(error as NodeJS.ErrnoException).code})`);
  }
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) return wrong('must be a file that contains a PEM certificate');
  for (const [i, pem] of certificates.entries()) {
    try {
      new X509Certificate(pem);
    } catch {
      return wrong(`must be a file of PEM certificates, but certificate ${i + 1} in it is not valid`);
    }
  }
  return certificates;
}
