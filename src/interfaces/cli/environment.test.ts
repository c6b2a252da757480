import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { environmentHash, hasOtherEnvironment, rememberEnvironment } from './environment.ts';

test('what differs from terminal to terminal does not count; a key does, and is not written down', () => {
  const env = { PATH: '/bin', OPENAI_API_KEY: 'secret-1' };
  expect(environmentHash({ ...env, TERM: 'xterm', SHLVL: '2', SSH_TTY: '/dev/pts/1', npm_config_x: '1', gone: undefined })).toBe(
    environmentHash(env),
  );
  expect(environmentHash({ ...env, OPENAI_API_KEY: 'secret-2' })).not.toBe(environmentHash(env));
  const home = mkdtempSync(join(tmpdir(), 'baton-env-'));
  expect(hasOtherEnvironment(home, 1, env)).toBe(false);
  rememberEnvironment(home, 1, env);
  expect([
    hasOtherEnvironment(home, 1, env),
    hasOtherEnvironment(home, 1, { PATH: '/bin' }),
    hasOtherEnvironment(home, 2, { PATH: '/bin' }),
  ]).toEqual([false, true, false]);
  expect(readFileSync(join(home, 'owner.env'), 'utf8')).not.toContain('secret');
  rmSync(home, { recursive: true });
});
