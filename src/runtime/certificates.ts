// A PEM file -> its certificates, for a configuration that names it.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { z } from 'zod';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** One text each. What is wrong with the file becomes an issue of the value that names it. */
export function readCertificates(path: string, { addIssue }: z.RefinementCtx<string>): string[] {
  const wrong = (message: string): string[] => {
    addIssue({ code: 'custom', message });
    return [];
  };
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return wrong(`must be a file that can be read (${(error as NodeJS.ErrnoException).code})`);
  }
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) return wrong('must be a file that holds a PEM certificate');
  for (const [i, pem] of certificates.entries()) {
    try {
      new X509Certificate(pem);
    } catch {
      return wrong(`must be a file of PEM certificates, but number ${i + 1} in it is none`);
    }
  }
  return certificates;
}
