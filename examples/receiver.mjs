// A receiver for the examples' tests: keeps the bodies that arrive.
import { createServer } from 'node:http';

export async function startReceiver() {
  const bodies = [];
  let arrived = () => {};
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      bodies.push(JSON.parse(text));
      response.end();
      arrived();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    bodies,
    /** Resolves when `count` bodies have arrived. */
    async waitFor(count) {
      const deadline = AbortSignal.timeout(20_000);
      while (bodies.length < count) {
        deadline.throwIfAborted();
        await new Promise((resolve) => {
          arrived = resolve;
          deadline.addEventListener('abort', resolve, { once: true });
        });
      }
      return bodies;
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
