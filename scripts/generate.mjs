// `npm run generate`: the domain's Prisma client and Pothos types, whether or not their schema changed.
import { generate } from './prepare.mjs';

await generate({ force: true });
