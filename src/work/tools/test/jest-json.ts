/** The JSON report of Jest, which Vitest writes as well. A file that could not even be loaded is one failure. */
import { z } from 'zod';
import { Counting, lineIn, type Project, parsed, type TestCounts } from './runner.ts';

const report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string().optional(),
      message: z.string().nullish(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).nullish() })),
    }),
  ),
});

export const readJestJson = (text: string, project: Pick<Project, 'inside'>): TestCounts | undefined => {
  const { data } = report.safeParse(parsed(text));
  if (data === undefined) return undefined;
  const counting = new Counting(project);
  for (const { name: file, status, message, assertionResults } of data.testResults) {
    for (const test of assertionResults) {
      if (test.status === 'passed') counting.pass();
      else if (test.status === 'failed') {
        const said = (test.failureMessages ?? []).join('\n');
        counting.fail({ name: test.fullName, file, line: lineIn(said, file), message: said });
      } else counting.skip();
    }
    if (status === 'failed' && !assertionResults.some((test) => test.status === 'failed'))
      counting.fail({ name: 'the file itself', file, line: lineIn(message ?? '', file), message: message ?? 'It could not be run.' });
  }
  return counting.counts;
};
