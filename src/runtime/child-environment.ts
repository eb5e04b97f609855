// Lists the environment variables that a program started by this process gets. The other variables hold keys, tokens and
// database URLs, which no such program needs.

/** The variables by which a system finds programs and libraries, the language and the temporary folder. */
const SYSTEM =
  'PATH HOME LANG LC_ALL LC_CTYPE TMPDIR LD_LIBRARY_PATH DYLD_LIBRARY_PATH SystemRoot windir SystemDrive COMSPEC PATHEXT TEMP TMP USERPROFILE'.split(
    ' ',
  );

/** Returns the environment of a program that needs no variables of Hookgraph. */
export const systemEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(SYSTEM.filter((name) => process.env[name] !== undefined).map((name) => [name, process.env[name]]));
