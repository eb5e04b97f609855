// Puts the right article before the name of a type.

/** Matches names that begin with a vowel letter but the sound of a consonant: `User`, `Unit`, `Url`, `OneTimeCode`. */
const CONSONANT = /^(eu|one|uni(?!n|m)|u[bcfhjkqrst][aeiou]|url)/i;

/** Returns the name with `a` or `an`, e.g. `an Attachment`, `a User`. */
export function withArticle(name: string): string {
  return `${/^[aeiou]/i.test(name) && !CONSONANT.test(name) ? 'an' : 'a'} ${name}`;
}
