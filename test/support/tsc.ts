// The command line of the type checker. It gets one thread to check with, because its usual four take half as much CPU again.
import { join } from 'node:path';

export const TSC = [join(import.meta.dirname, '../../node_modules/typescript-native/bin/tsc'), '--checkers', '1'];
