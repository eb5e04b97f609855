// What a subscriber asked for by way of authentication, over what was saved before -> what is to be saved of it, and its mistakes.
import type { Problem } from '../base/errors.js';
import type { AuthDefinition, AuthSecrets } from '../base/model.js';

type Maybe<T> = { [K in keyof T]?: T[K] | null };

/** At most one of them. A field that is absent keeps what it has, if the kind stays. */
export type AuthInput = Maybe<{
  basic: Maybe<{ username: string; password: string; scheme: string }>;
  token: Maybe<{ token: string; scheme: string }>;
}>;

export interface AuthDraft {
  /** What was asked for: more than one is a mistake. */
  asked: string[];
  definition: AuthDefinition;
  secrets: AuthSecrets;
}

const MAX_SCHEME_LENGTH = 64;
const MAX_CREDENTIAL_LENGTH = 4_096;

export function toAuthDraft(input: AuthInput | null | undefined, was: AuthDefinition | null, kept: AuthSecrets): AuthDraft | null {
  const before = was && { asked: [was.kind.toLowerCase()], definition: was, secrets: kept };
  if (input === undefined) return before;
  const asked = Object.entries(input ?? {}).flatMap(([kind, value]) => (value == null ? [] : [kind]));
  if (asked.length === 0) return input !== null && Object.keys(input).length === 0 ? before : null;
  const { basic, token } = input ?? {};
  const same = <K extends AuthDefinition['kind']>(kind: K) => (was?.kind === kind ? (was as Extract<AuthDefinition, { kind: K }>) : null);
  const secret = (kind: AuthDefinition['kind'], field: keyof AuthSecrets, given: string | null | undefined): string =>
    (given === undefined && was?.kind === kind ? kept[field] : given) ?? '';
  const word = (given: string | null | undefined, old: string | undefined, otherwise: string): string =>
    (given === undefined ? old : given?.trim()) || otherwise;
  if (basic)
    return {
      asked,
      definition: { kind: 'BASIC', scheme: word(basic.scheme, same('BASIC')?.scheme, 'basic') },
      secrets: { username: secret('BASIC', 'username', basic.username), password: secret('BASIC', 'password', basic.password) },
    };
  return {
    asked,
    definition: { kind: 'TOKEN', scheme: word(token?.scheme, same('TOKEN')?.scheme, 'token') },
    secrets: { token: secret('TOKEN', 'token', token?.token).trim() },
  };
}

/** Never names a value that may be a secret. */
export function authProblems(auth: AuthDraft | null, headers: readonly { name: string }[]): Problem[] {
  if (auth === null) return [];
  const { asked, definition, secrets } = auth;
  if (asked.length > 1) return [{ field: 'auth', message: `asks for ${asked.join(' and ')}; there can be one of them` }];
  const problems: Problem[] = [];
  const check = (field: string, mistake: string | null, type?: Problem['type']) => {
    if (mistake !== null) problems.push({ field: `auth.${asked[0]}.${field}`, message: mistake, ...(type && { type }) });
  };
  const required = (field: keyof AuthSecrets) => {
    const text = secrets[field] ?? '';
    if (text === '') check(field, "can't be blank", 'BLANK');
    else check(field, longerThan(text, MAX_CREDENTIAL_LENGTH));
  };
  // https://www.rfc-editor.org/rfc/rfc9110#section-11.4
  if (definition.scheme.length > MAX_SCHEME_LENGTH || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(definition.scheme))
    check('scheme', 'must be one word such as Basic, Bearer or token');
  if (definition.kind === 'BASIC') {
    required('username');
    const { username = '', password = '' } = secrets;
    check('password', longerThan(password, MAX_CREDENTIAL_LENGTH));
    // https://www.rfc-editor.org/rfc/rfc7617#section-2
    if (username.includes(':')) check('username', 'holds a colon, which ends a user name');
    for (const [field, text] of Object.entries({ username, password }))
      if (/\p{Cc}|\p{Surrogate}/u.test(text)) check(field, 'holds a line break or another character that no header holds');
  }
  if (definition.kind === 'TOKEN') {
    required('token');
    if (secrets.token && !/^[\x20-\x7e]+$/.test(secrets.token))
      check('token', 'holds a line break or another character that no header holds');
  }
  if (headers.some(({ name }) => name.toLowerCase() === 'authorization'))
    problems.push({ field: 'headers', message: '"authorization" is set by auth: give one of the two' });
  return problems;
}

const longerThan = (text: string, most: number): string | null =>
  text.length > most ? `has ${text.length} characters, more than ${most}` : null;
