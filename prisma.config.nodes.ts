// Prisma's view of the room `nodes`, for generating, authoring migrations and checking drift; nothing at run time reads it.
import { defineConfig } from 'prisma/config';

export default defineConfig({
  schema: 'prisma/nodes/schema.prisma',
  migrations: { path: 'prisma/nodes/migrations' },
  // Prisma's own environment: only `npm run drift` and authors of migrations set it.
  datasource: { url: process.env.DATABASE_URL ?? '' },
});
