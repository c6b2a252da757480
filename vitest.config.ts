import { defineConfig } from 'vitest/config';

const project = (name: string, include: string[], extra: object = {}) => ({ test: { name, include, ...extra } });

export default defineConfig({
  test: {
    // By default one processor is left to whoever watches, which on two is half of the machine.
    maxWorkers: '100%',
    projects: [
      project('unit', ['src/**/*.test.ts', 'tests/*.test.ts', 'tests/{agents,interfaces,metering,planning,tools,workflow}/**/*.test.ts'], {
        testTimeout: 20_000,
      }),
      // Real processes, walls and git: too slow for every save.
      project('system', ['tests/{processes,sandbox,workspace}/**/*.test.ts'], { testTimeout: 20_000 }),
      project('conformance', ['tests/conformance/**/*.test.ts'], { testTimeout: 60_000 }),
      project('simulation', ['tests/simulation/**/*.test.ts'], { testTimeout: 120_000 }),
      project('e2e', ['tests/e2e/**/*.test.ts'], { testTimeout: 60_000, fileParallelism: false }),
      project('examples', ['tests/examples/**/*.test.ts'], { testTimeout: 120_000, fileParallelism: false }),
    ],
    coverage: {
      provider: 'v8',
      include: ['src/engine/**/*.ts'],
      exclude: ['**/*.test.ts'],
      reporter: ['text', 'json-summary'],
      thresholds: { lines: 90 },
    },
  },
});
