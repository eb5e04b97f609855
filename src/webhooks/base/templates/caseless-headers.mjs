// Lets templates read response headers without regard to upper and lower case.

/**
 * Makes an object in which `headers.Retry-After` and `headers.retry-after` are the same property.
 * @param {Record<string, string>} headers
 * @returns {object}
 */
export function caselessHeaders(headers) {
  /** @type {Record<string, string>} */
  const lower = Object.create(null);
  for (const [name, value] of Object.entries(headers)) lower[name.toLowerCase()] = value;
  /** @param {string | symbol} name */
  const key = (name) => (typeof name === 'string' ? name.toLowerCase() : name);
  return new Proxy(lower, {
    get: (target, name) => Reflect.get(target, key(name)),
    has: (target, name) => Reflect.has(target, key(name)),
    getOwnPropertyDescriptor: (target, name) => Reflect.getOwnPropertyDescriptor(target, key(name)),
  });
}
