// Reads what init needs to know: the database's catalog, the Prisma schema and the GraphQL schema.
import { relative } from 'node:path';
import type { Pool } from 'pg';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { readCatalog } from '../../sources/catalog/read-catalog.js';
import { findCandidates, type Survey } from './find-candidates.js';
import type { Project } from './project.js';
import { type ReadPrisma, readPrisma } from './read-prisma.js';
import { type ReadSchema, readSchema } from './read-schema.js';

export interface Inspection {
  survey: Survey;
  schema: ReadSchema | null;
  prisma: ReadPrisma | null;
  /** Messages about schemas that exist but couldn't be read. */
  notes: string[];
}

export async function inspect(pool: Pool, project: Project, env: NodeJS.ProcessEnv): Promise<Inspection> {
  const catalog = await readCatalog(pool);
  if (catalog.length === 0)
    throw new RuntimeError(
      'NO_TABLES',
      'The database has no tables',
      'Run the migrations of your application first, or name another database.',
    );
  const notes: string[] = [];
  const { read: schema, problem } = await readSchema(project, env);
  if (problem !== null) notes.push(problem);
  let prisma: ReadPrisma | null = null;
  if (project.prisma !== null) {
    prisma = await readPrisma(project.prisma, project, env).catch((error: Error) => {
      notes.push(`The Prisma schema ${relative(project.dir, project.prisma ?? '')} can't be read, so init ignores it: ${error.message}`);
      return null;
    });
  }
  const survey = findCandidates({ catalog, models: prisma?.models ?? [], ...(schema && { schema: schema.schema }) });
  return { survey, schema, prisma, notes };
}
