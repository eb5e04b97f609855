// Quotes a text for a POSIX shell, in commands that people copy.

/** Returns a text without special characters as it is. */
export const quoted = (text: string): string => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
