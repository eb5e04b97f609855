// `npm run build`: installs, generates and builds, as `npm start` does before it starts.
import { prepare } from './prepare.mjs';

await prepare();
