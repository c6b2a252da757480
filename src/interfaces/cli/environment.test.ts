import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { environmentHash, hasOtherEnvironment, rememberEnvironment } from './environment.ts';

test('what differs from terminal to terminal does not count; a key does, and is not written down', () => {
  const env = { PATH: '/bin', OPENAI_API_KEY: 'secret-1' };
  expect(environmentHash({ ...env, TERM: 'xterm', SHLVL: '2', SSH_TTY: '/dev/pts/1', npm_config_x: '1', gone: undefined }, '1')).toBe(
    environmentHash(env, '1'),
  );
  expect(environmentHash({ ...env, OPENAI_API_KEY: 'secret-2' }, '1')).not.toBe(environmentHash(env, '1'));
  const home = mkdtempSync(join(tmpdir(), 'baton-env-'));
  expect(hasOtherEnvironment(home, 1, env, '1')).toBe(false);
  rememberEnvironment(home, 1, env, '1');
  expect(hasOtherEnvironment(home, 1, env, '2')).toBe(true);
  expect([
    hasOtherEnvironment(home, 1, env, '1'),
    hasOtherEnvironment(home, 1, { PATH: '/bin' }, '1'),
    hasOtherEnvironment(home, 2, { PATH: '/bin' }, '1'),
  ]).toEqual([false, true, false]);
  expect(readFileSync(join(home, 'owner.env'), 'utf8')).not.toContain('secret');
  rmSync(home, { recursive: true });
});
