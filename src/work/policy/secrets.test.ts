import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createSecrets, fill } from './secrets.ts';

const file = join(mkdtempSync(join(tmpdir(), 'baton-secrets-')), 'token');
writeFileSync(file, 'from-a-file\n');
const secrets = createSecrets({
  env: { PLAIN: 'from-the-environment', OTHER: 'under-another-name', SHORT: 'abc', EMPTY: '' },
  sources: {
    RENAMED: { env: 'OTHER' },
    FILED: { file },
    ASKED: { command: ['printf', 'from-a-command\\n'] },
    GONE: { file: `${file}.gone` },
    LOUD: { command: ['sh', '-c', 'echo leaked-on-the-way; exit 1'] },
  },
});

// req D5
describe('a secret', () => {
  test.each([
    ['PLAIN', 'from-the-environment'],
    ['RENAMED', 'under-another-name'],
    ['FILED', 'from-a-file'],
    ['ASKED', 'from-a-command'],
  ])('%s comes from where it is kept', async (name, value) => {
    expect(await secrets.value(name)).toBe(value);
    expect(secrets.redactor().text(`<${value}>`)).toBe(`<[secret ${name}]>`);
  });

  test.each([
    ['NEVER_SET', 'SECRET_MISSING', 'Set NEVER_SET in the environment Baton is started from.'],
    ['EMPTY', 'SECRET_MISSING', 'Set EMPTY'],
    ['GONE', 'SECRET_MISSING', `Put the value into ${file}.gone`],
    ['LOUD', 'SECRET_MISSING', 'Check that'],
    ['SHORT', 'SECRET_TOO_SHORT', 'longer'],
    ['__proto__', 'SECRET_MISSING', 'Set __proto__'],
  ])('%s can not be had, and the error says what to do', async (name, code, hint) => {
    const error = await secrets.value(name).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, hint: expect.stringContaining(hint), where: name });
    expect(String(error) + String((error as Error).cause)).not.toContain('leaked-on-the-way');
  });

  test('is filled into a text at its place', async () => {
    expect(await fill({ parts: ['a:', { secret: 'PLAIN' }, ':z'] }, secrets)).toBe('a:from-the-environment:z');
    expect(await fill('nothing secret', secrets)).toBe('nothing secret');
  });
});
