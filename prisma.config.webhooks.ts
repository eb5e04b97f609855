// Prisma's view of the room `webhooks`, for generating, authoring migrations and checking drift; nothing at run time reads it.
import { defineConfig } from 'prisma/config';

export default defineConfig({
  schema: 'prisma/webhooks/schema.prisma',
  migrations: { path: 'prisma/webhooks/migrations' },
  // Prisma's own environment: only `npm run drift` and authors of migrations set it.
  datasource: { url: process.env.DATABASE_URL ?? '' },
});
