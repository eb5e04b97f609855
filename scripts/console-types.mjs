// Writes the types of the webhook API for the console's operations: schema.graphql without the types of the sample domain.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(ROOT, 'src/generated/console/schema.d.ts');

/** The root fields that the console may use: those about webhooks, and the tokens of the product that runs by itself. */
const ROOT_FIELD = /webhook|^apiTokens$|ApiToken$|^node$/i;
/** The types that these fields may lead to. Every other type belongs to a host's domain. */
const OWN_TYPE =
  /^(Webhook|ApiToken|UserError$|PageInfo$|Node$|Query$|Mutation$|JSON$|DateTime$|Alphanumeric$)|Webhook\w*(Input|Payload)$|ApiToken(Input|Payload)$/;

export async function writeConsoleTypes() {
  const sdl = readFileSync(join(ROOT, 'schema.graphql'), 'utf8');
  const stamp = `// ${createHash('sha256')
    .update(sdl)
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .digest('hex')}`;
  if (existsSync(OUT) && readFileSync(OUT, 'utf8').startsWith(stamp)) return;
  const { buildASTSchema, introspectionFromSchema, parse, visit } = await import('graphql');
  const { minifyIntrospection, outputIntrospectionFile } = await import('gql.tada/internal');
  const nameOf = (type) => (type.kind === 'NamedType' ? type.name.value : nameOf(type.type));
  const isBuiltIn = (name) => ['ID', 'String', 'Int', 'Float', 'Boolean'].includes(name);
  const isOwn = (name) => isBuiltIn(name) || OWN_TYPE.test(name);
  const own = visit(parse(sdl), {
    enter(node) {
      if (
        /Definition$/.test(node.kind) &&
        node.name &&
        /Type(Definition)?|Enum|Scalar|Interface|Union/.test(node.kind) &&
        !/^(Field|EnumValue|InputValue|Directive)Definition$/.test(node.kind)
      ) {
        if (!isOwn(node.name.value)) return null;
        if (node.name.value === 'Query' || node.name.value === 'Mutation')
          return { ...node, fields: node.fields.filter((field) => ROOT_FIELD.test(field.name.value)) };
      }
      if ((node.kind === 'FieldDefinition' || node.kind === 'InputValueDefinition') && !isOwn(nameOf(node.type))) return null;
      return undefined;
    },
  });
  const introspection = minifyIntrospection(introspectionFromSchema(buildASTSchema(own), { descriptions: false }), {
    includeScalars: true,
    includeEnums: true,
    includeInputs: true,
  });
  const text = outputIntrospectionFile(introspection, { fileType: '.d.ts', shouldPreprocess: true });
  mkdirSync(join(OUT, '..'), { recursive: true });
  writeFileSync(OUT, `${stamp}\n${text}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeConsoleTypes();
