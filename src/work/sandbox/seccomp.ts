/**
 * Calls of the kernel that no namespace closes. Keys go with a session and not with a user or a folder: whoever is inside
 * could read those of the login that Baton was started in. The others are parts that programs do without, and that most
 * ways of breaking out of namespaces have gone through.
 *
 * The filter is a program for the kernel's packet filter (seccomp(2), `SECCOMP_MODE_FILTER`), one for each architecture.
 */

/** [AUDIT_ARCH_…, numbers of the calls]. */
const ARCHITECTURES: Readonly<Record<string, readonly [number, Readonly<Record<string, number>>]>> = {
  x64: [0xc000003e, { add_key: 248, request_key: 249, keyctl: 250, perf_event_open: 298, bpf: 321, userfaultfd: 323, io_uring_setup: 425 }],
  arm64: [
    0xc00000b7,
    { add_key: 217, request_key: 218, keyctl: 219, perf_event_open: 241, bpf: 280, userfaultfd: 282, io_uring_setup: 425 },
  ],
};
/** The other way to number calls on x64 sets this bit. */
const X32 = 0x40000000;

const [LOAD, EQUAL, AT_LEAST, RETURN] = [0x20, 0x15, 0x35, 0x06];
const [NUMBER, ARCHITECTURE] = [0, 4];
const ALLOW = 0x7fff0000;
/** What an old kernel says, so that programs take another way. */
const NOT_THERE = 0x00050000 | 38;

/** Undefined for an architecture that none was written for. */
export function seccompFilter(architecture: string = process.arch): Buffer | undefined {
  const known = ARCHITECTURES[architecture];
  if (known === undefined) return undefined;
  const [audit, calls] = known;
  const refused = Object.values(calls);
  // Jumps count the instructions that are left out; the last two are the verdicts.
  const tests = [...(architecture === 'x64' ? [[AT_LEAST, X32] as const] : []), ...refused.map((call) => [EQUAL, call] as const)];
  return Buffer.concat([
    instruction(LOAD, 0, 0, ARCHITECTURE),
    instruction(EQUAL, 0, tests.length + 2, audit),
    instruction(LOAD, 0, 0, NUMBER),
    ...tests.map(([code, value], i) => instruction(code, tests.length - i, 0, value)),
    instruction(RETURN, 0, 0, ALLOW),
    instruction(RETURN, 0, 0, NOT_THERE),
  ]);
}

function instruction(code: number, yes: number, no: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(yes, 2);
  bytes.writeUInt8(no, 3);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}
