// `npm run generate`: generates the sample's Prisma client and Pothos types, even if the schema is unchanged.
import { generate } from './prepare.mjs';

await generate({ force: true });
