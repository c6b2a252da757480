// req S1, S2, S3: every sandbox passes one suite, and what is none does not.
import { describe, expect, test } from 'vitest';
import { sandboxConformance } from '../../src/testing/sandbox-conformance.ts';
import { createBubblewrap } from '../../src/work/sandbox/bubblewrap.ts';
import { probe } from '../../src/work/sandbox/probe.ts';
import type { Sandbox } from '../../src/work/sandbox/sandbox.ts';

sandboxConformance({ describe, test }, { name: 'bubblewrap', sandbox: createBubblewrap() });

/** Runs the command as it is, as the same user. */
const none: Sandbox = {
  ...createBubblewrap(),
  probe: () => probe(none, {}),
  async wrap({ command: [program, ...args], workspace, env }) {
    const outside = (text: string) => text.replaceAll('/workspace', workspace);
    return {
      command: ['/usr/bin/env', '-C', workspace, program, ...args.map(outside)],
      env: { ...process.env, HOME: workspace, ...env } as Record<string, string>,
      ...none.owner,
      release: async () => {},
    };
  },
};
/** What holds without any walls, for an ordinary user or because nothing of the kind was tried. */
const HOLDS_ANYWAY = [
  'no LEAK_ROOT',
  'no LEAK_SHADOW',
  'no LEAK_SYSCTL',
  'no LEAK_SYSTEM',
  'what is written in the workspace is there afterwards, and theirs',
  'within its limits work goes on',
  'its input, output and errors are its own',
  'two at once know nothing of each other',
];

test('a sandbox without walls fails the suite in everything that a wall is for', { timeout: 120_000 }, async () => {
  const tests: { readonly what: string; readonly body: () => Promise<void> }[] = [];
  sandboxConformance(
    { describe: (_, body) => body(), test: (what, body) => void tests.push({ what, body: () => body({ skip: () => {} }) }) },
    { name: 'none', sandbox: none },
  );
  const passed: string[] = [];
  // Without a limit of processor time the one would not end by itself, and the other is as the machine has it.
  const left = ['limits.cpuSeconds holds', 'whoever is inside has a name'];
  for (const { what, body } of tests.filter(({ what }) => !left.includes(what)))
    await body().then(
      () => passed.push(what),
      () => undefined,
    );
  expect(tests.length).toBeGreaterThan(50);
  expect(passed.sort()).toEqual(HOLDS_ANYWAY.sort());
});
