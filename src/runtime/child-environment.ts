// Names the environment variables that programs get which this process starts. The environment of this process holds keys,
// tokens and database URLs, and no program needs them.

/** The variables that a system needs to find programs and libraries, and to name the language and the temporary folder. */
const SYSTEM =
  'PATH HOME LANG LC_ALL LC_CTYPE TMPDIR LD_LIBRARY_PATH DYLD_LIBRARY_PATH SystemRoot windir SystemDrive COMSPEC PATHEXT TEMP TMP USERPROFILE'.split(
    ' ',
  );

/** Returns the environment of a program that needs nothing of ours. */
export const systemEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(SYSTEM.filter((name) => process.env[name] !== undefined).map((name) => [name, process.env[name]]));
