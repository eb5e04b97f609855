// Builds the console into dist/console: bundles it, compresses its files, collects the licences of its packages, and checks its size.
// `node scripts/build-console.mjs --watch` serves it from a development server, beside a running `npm start`.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(ROOT, 'dist/console');

/** Kilobytes (gzip) that the first page may load: the entry, the list of webhooks, and what both import. */
const BUDGET_KB = 280;
const FIRST_PAGE = 'pages/webhooks/list-page.tsx';

/** Packages that must not be in the bundle twice: a second copy wouldn't recognise the objects of the first. */
const SINGLE = ['react', 'react-dom', 'graphql', '@codemirror/state', '@codemirror/view', '@codemirror/language', '@lezer/common'];

const config = (more = {}) => ({
  configFile: false,
  root: join(ROOT, 'src/console'),
  // The paths are relative, because an adopter chooses the console's path.
  base: './',
  logLevel: 'warn',
  // lang-liquid imports the parsers of HTML, CSS and JavaScript (64 KB with gzip) for a default that the console doesn't use.
  resolve: { dedupe: SINGLE, alias: { '@codemirror/lang-html': join(ROOT, 'src/console/editors/lang-html-stub.ts') } },
  css: { modules: { generateScopedName: '[name]_[local]_[hash:base64:4]' } },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    manifest: 'manifest.json',
    // The Content-Security-Policy allows no data: URLs for fonts and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2000,
    // These browsers (2024) know light-dark(), so it isn't replaced.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    rolldownOptions: {
      input: join(ROOT, 'src/console/main.tsx'),
      // `"use client"` in packages is for frameworks that render on a server.
      onLog: (level, log, handle) => log.code === 'MODULE_LEVEL_DIRECTIVE' || handle(level, log),
    },
  },
  ...more,
});

/** @throws Error when the first page is larger than its budget */
export async function buildConsole() {
  const { build } = await import('vite');
  await build(config({ plugins: [notices()] }));
  compressAll(join(OUT, 'assets'));
  const kilobytes = firstPageBytes() / 1024;
  if (kilobytes > BUDGET_KB)
    throw new Error(`The console's first page has ${kilobytes.toFixed(0)} KB (gzip), and its budget is ${BUDGET_KB} KB.`);
  return kilobytes;
}

function compressAll(folder) {
  for (const name of readdirSync(folder)) {
    const content = readFileSync(join(folder, name));
    if (content.length < 1024) continue;
    writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
    // Quality 9 takes a tenth of the time of quality 11, and its files are 3 % larger.
    const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
    writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content, { params }));
  }
}

function firstPageBytes() {
  const chunks = JSON.parse(readFileSync(join(OUT, 'manifest.json'), 'utf8'));
  const files = new Set();
  const add = (name) => {
    const chunk = chunks[name];
    if (!chunk || files.has(chunk.file)) return;
    for (const file of [chunk.file, ...(chunk.css ?? [])]) files.add(file);
    for (const imported of chunk.imports ?? []) add(imported);
  };
  add('main.tsx');
  add(FIRST_PAGE);
  return [...files].reduce((bytes, file) => bytes + gzipSync(readFileSync(join(OUT, file)), { level: 9 }).length, 0);
}

/** Writes the licence of each package in the bundle to one file, as these licences demand. */
function notices() {
  return {
    name: 'notices',
    generateBundle(_options, bundle) {
      const folders = new Set();
      for (const chunk of Object.values(bundle))
        for (const module of chunk.moduleIds ?? []) {
          const found = /^.*node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+/.exec(module.replace(/^\0/, ''))?.[0];
          if (found && existsSync(join(found, 'package.json'))) folders.add(found);
        }
      this.emitFile({ type: 'asset', fileName: 'assets/third-party-licences.txt', source: [...folders].sort().map(noticeOf).join('\n\n') });
    },
  };
}

function noticeOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)(\.|$)/i.test(file));
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return [`${name} ${version} (${license})`, '='.repeat(60), ...texts].join('\n');
}

async function develop() {
  const api = process.env.HOOKGRAPH_URL ?? 'http://localhost:4000';
  const { createServer } = await import('vite');
  const proxied = Object.fromEntries(['/api', '/console/session', '/console/explorer/frame'].map((path) => [path, { target: api }]));
  const server = await createServer(config({ base: '/console/', logLevel: 'info', server: { proxy: proxied } }));
  await server.listen();
  server.printUrls();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--watch')) await develop();
  else console.log(`built the console: the first page has ${(await buildConsole()).toFixed(0)} KB (gzip)`);
}
