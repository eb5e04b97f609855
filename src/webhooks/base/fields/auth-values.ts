// Merges the authentication input with the saved settings, and validates the result.
import type { AuthDefinition, AuthSecrets } from '../definition.js';
import type { Problem } from '../errors.js';
import type { CheckContext, MergeContext } from './field.js';
import { spaceWarnings } from './signing.js';

type Maybe<T> = { [K in keyof T]?: T[K] | null };

/** The input of the field `auth`; at most one kind may be given. An absent field keeps its saved value if the kind stays the same. */
export type AuthInput = Maybe<{
  basic: Maybe<{ username: string; password: string; scheme: string }>;
  token: Maybe<{ token: string; scheme: string }>;
  oauth2: Maybe<{
    tokenUrl: string;
    clientId: string;
    clientSecret: string;
    scope: string;
    audience: string;
    clientAuthentication: 'BASIC' | 'POST';
  }>;
}>;

export interface AuthDraft {
  /** The kinds of authentication that the input names; checkAuth rejects more than one. */
  kinds: string[];
  definition: AuthDefinition;
  secrets: AuthSecrets;
}

const MAX_CREDENTIAL_LENGTH = 4_096;
const MAX_TEXT_LENGTH = 2_048;

export function mergeAuth(input: AuthInput | null | undefined, { saved }: MergeContext): AuthDraft | null {
  const was = saved?.definition.auth ?? null;
  const kept = saved?.secrets.auth ?? {};
  const before = was && { kinds: [was.kind.toLowerCase()], definition: was, secrets: kept };
  if (input === undefined) return before;
  const kinds = Object.entries(input ?? {}).flatMap(([kind, value]) => (value == null ? [] : [kind]));
  if (kinds.length === 0) return input !== null && Object.keys(input).length === 0 ? before : null;
  const { basic, token, oauth2 } = input ?? {};
  const same = <K extends AuthDefinition['kind']>(kind: K) => (was?.kind === kind ? (was as Extract<AuthDefinition, { kind: K }>) : null);
  const secret = (kind: AuthDefinition['kind'], field: keyof AuthSecrets, given: string | null | undefined): string =>
    (given === undefined && was?.kind === kind ? kept[field] : given) ?? '';
  const word = (given: string | null | undefined, old: string | undefined, otherwise: string): string =>
    (given === undefined ? old : given?.trim()) || otherwise;
  if (basic)
    return {
      kinds,
      definition: { kind: 'BASIC', scheme: word(basic.scheme, same('BASIC')?.scheme, 'basic') },
      secrets: { username: secret('BASIC', 'username', basic.username), password: secret('BASIC', 'password', basic.password) },
    };
  if (oauth2) {
    const old = same('OAUTH2');
    const text = (given: string | null | undefined, kept: string | null | undefined): string | null =>
      (given === undefined ? kept : given?.trim()) || null;
    return {
      kinds,
      definition: {
        kind: 'OAUTH2',
        tokenUrl: text(oauth2.tokenUrl, old?.tokenUrl) ?? '',
        clientId: text(oauth2.clientId, old?.clientId) ?? '',
        scope: text(oauth2.scope, old?.scope),
        audience: text(oauth2.audience, old?.audience),
        clientAuthentication:
          (oauth2.clientAuthentication === undefined ? old?.clientAuthentication : oauth2.clientAuthentication) ?? 'BASIC',
      },
      secrets: { clientSecret: secret('OAUTH2', 'clientSecret', oauth2.clientSecret) },
    };
  }
  return {
    kinds,
    definition: { kind: 'TOKEN', scheme: word(token?.scheme, same('TOKEN')?.scheme, 'token') },
    secrets: { token: secret('TOKEN', 'token', token?.token).trim() },
  };
}

/** Validates the authentication settings; resolves the host name of a token endpoint. No message contains a value that may be a secret. */
export async function checkAuth(auth: AuthDraft, { engine: { guard }, values }: CheckContext): Promise<Problem[]> {
  const { kinds, definition, secrets } = auth;
  const headers = (values.headers ?? []) as { name: string }[];
  if (kinds.length > 1) return [{ field: 'auth', message: `has ${kinds.join(' and ')}; give only one of them` }];
  const problems: Problem[] = [];
  const add = (field: string, problem: Omit<Problem, 'field'>) => problems.push({ ...problem, field: `auth.${kinds[0]}.${field}` });
  /**
   * Checks the length and the characters of a header or form value. `allowed`: the permitted characters; default: visible ASCII and spaces.
   */
  const check = (field: string, text: string, allowed = /^[\x20-\x7e]*$/, most = MAX_CREDENTIAL_LENGTH) => {
    if (text.length > most) add(field, { message: `has ${text.length} characters, more than ${most}` });
    else if (!allowed.test(text)) add(field, { message: 'contains a line break or another character that can not be sent' });
  };
  const required = (field: string, text: string, ...rest: [RegExp?, number?]) =>
    text === '' ? add(field, { message: "can't be blank", type: 'BLANK' }) : check(field, text, ...rest);

  // RFC 9110 defines the syntax of an authentication scheme: https://www.rfc-editor.org/rfc/rfc9110#section-11.4
  if (definition.kind !== 'OAUTH2' && !/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/.test(definition.scheme))
    add('scheme', { message: 'must be one word such as Basic, Bearer or token' });
  for (const [field, secret] of Object.entries(secrets)) problems.push(...spaceWarnings(`auth.${kinds[0]}.${field}`, secret));
  switch (definition.kind) {
    case 'BASIC': {
      const { username = '', password = '' } = secrets;
      required('username', username, PRINTABLE);
      check('password', password, PRINTABLE);
      // RFC 7617 forbids a colon in a user name: https://www.rfc-editor.org/rfc/rfc7617#section-2
      if (username.includes(':'))
        add('username', { message: 'contains a colon, which Basic authentication does not allow in a user name' });
      break;
    }
    case 'TOKEN':
      required('token', secrets.token ?? '');
      break;
    case 'OAUTH2': {
      const { tokenUrl, clientId, scope, audience } = definition;
      const mistake = tokenUrl === '' ? null : await guard.vetUrl(tokenUrl);
      if (tokenUrl === '') required('tokenUrl', tokenUrl);
      else if (mistake) add('tokenUrl', mistake);
      required('clientId', clientId, undefined, MAX_TEXT_LENGTH);
      required('clientSecret', secrets.clientSecret ?? '');
      // RFC 6749 defines the characters of a scope: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
      check('scope', scope ?? '', /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/, MAX_TEXT_LENGTH);
      check('audience', audience ?? '', undefined, MAX_TEXT_LENGTH);
    }
  }
  if (headers.some(({ name }) => name.toLowerCase() === 'authorization'))
    problems.push({ field: 'headers', message: '"authorization" is set by auth, too; give only one of them' });
  return problems;
}

const PRINTABLE = /^[^\p{Cc}\p{Surrogate}]*$/u;
