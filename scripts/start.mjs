// `npm start`: prepares the checkout and runs Hookgraph.
import { prepare } from './prepare.mjs';

// Ends this process when npm has been killed, because npm can't forward SIGKILL. It forwards Ctrl-C and SIGTERM, because
// `exec` in package.json leaves no shell between npm and this process.
const npmPid = process.ppid;
if (process.env.npm_lifecycle_event) {
  const watch = setInterval(() => {
    if (process.ppid === npmPid) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 500).unref();
}

const main = await prepare();
// With --app, doesn't run the bundle, because the application and the command line must share modules.
const isOfYours = process.argv.some((argument) => /^--app(=|$)/.test(argument));
process.argv.splice(2, Number.POSITIVE_INFINITY, 'serve', ...process.argv.slice(2));
await import(isOfYours ? new URL('../cli/main.js', main).href : main);
