// Defines the command line of the type checker. It checks in one thread, because the default of four threads takes half as much CPU again.
import { join } from 'node:path';

export const TSC = [join(import.meta.dirname, '../../node_modules/typescript-native/bin/tsc'), '--checkers', '1'];
