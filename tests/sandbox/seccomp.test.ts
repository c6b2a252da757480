import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SandboxPlace } from '../../src/testing/sandbox-place.ts';
import { createBubblewrap } from '../../src/work/sandbox/bubblewrap.ts';
import { seccompFilter } from '../../src/work/sandbox/seccomp.ts';

const [ALLOW, NOT_THERE] = [0x7fff0000, 0x00050026];
const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7, i386: 0x40000003 };

/** What the kernel would do with a call: the filter, run as the kernel runs it. */
function verdict(filter: Buffer, architecture: number, call: number): number {
  let value = 0;
  for (let at = 0; at < filter.length; at += 8) {
    const [code, yes, no, k] = [filter.readUInt16LE(at), filter.readUInt8(at + 2), filter.readUInt8(at + 3), filter.readUInt32LE(at + 4)];
    if (code === 0x20) value = k === 0 ? call : architecture;
    else if (code === 0x15) at += 8 * (value === k ? yes : no);
    else if (code === 0x35) at += 8 * (value >= k ? yes : no);
    else if (code === 0x06) return k;
    else throw new Error(`No such instruction: ${code}`);
  }
  throw new Error('It ran out of the filter.');
}

// req S1
describe('the filter of system calls', () => {
  const x64 = seccompFilter('x64') ?? Buffer.alloc(0);
  const arm64 = seccompFilter('arm64') ?? Buffer.alloc(0);

  it('refuses keys and a few others, and nothing else', () => {
    const refused = (filter: Buffer, audit: number) =>
      Array.from({ length: 600 }, (_, call) => call).filter((call) => verdict(filter, audit, call) !== ALLOW);
    expect(refused(x64, AUDIT.x64)).toEqual([248, 249, 250, 298, 321, 323, 425]);
    expect(refused(arm64, AUDIT.arm64)).toEqual([217, 218, 219, 241, 280, 282, 425]);
    for (const call of [248, 425]) expect(verdict(x64, AUDIT.x64, call)).toBe(NOT_THERE);
  });

  it('is not got round by another way to number calls', () => {
    for (const call of [0, 39, 250, 288]) {
      expect(verdict(x64, AUDIT.i386, call)).toBe(NOT_THERE);
      expect(verdict(arm64, AUDIT.x64, call)).toBe(NOT_THERE);
      expect(verdict(x64, AUDIT.x64, 0x40000000 + call)).toBe(NOT_THERE);
    }
  });

  it('is none where none was written', () => {
    expect(seccompFilter('s390x')).toBeUndefined();
  });
});

const KEYCTL = ({ x64: 250, arm64: 219 } as Readonly<Record<string, number>>)[process.arch];
describe.runIf(KEYCTL !== undefined && existsSync('/usr/bin/perl'))('inside', () => {
  let place: SandboxPlace;
  beforeEach(() => {
    place = new SandboxPlace(createBubblewrap());
  });
  afterEach(() => place.dispose());

  it('the keys of the session are not there', async () => {
    // KEYCTL_GET_KEYRING_ID of KEY_SPEC_SESSION_KEYRING.
    const { stdout } = await place.sh(`perl -e 'print syscall(${KEYCTL}, 0, -3, 1) < 0 && $!{ENOSYS} ? "none" : "keys"'`);
    expect(stdout).toBe('none');
  });
});
