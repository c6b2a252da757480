/**
 * The YAML library, loaded with the first file that is read: 15 ms and 14 MB that an engine which only goes on with its
 * runs, or waits for some, does without.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export const yaml = (): typeof import('yaml') => require('yaml');
