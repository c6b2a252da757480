/** `go test -json`: one event a line, as `go doc test2json` tells. A test with subtests is a group, and not counted. */
import { z } from 'zod';
import { Counting, parsed, type TestRunner } from './runner.ts';

const event = z.object({
  Action: z.string(),
  Package: z.string().optional(),
  ImportPath: z.string().optional(),
  Test: z.string().optional(),
  Output: z.string().optional(),
  FailedBuild: z.string().optional(),
});

export const go: TestRunner = {
  name: 'go',
  only: 'packages',
  found: ({ names }) => names.has('go.mod'),
  command: (_project, { only }) => ['go', 'test', '-json', ...(only.length === 0 ? ['./...'] : only.map((path) => `./${path}`))],

  read({ stdout }, project) {
    const module = /^module\s+(\S+)/m.exec(project.text('go.mod') ?? '')?.[1] ?? '';
    const counting = new Counting(project);
    const output = new Map<string, string>();
    const ended: { readonly name: string; readonly pack: string; readonly outcome: string }[] = [];
    const groups = new Set<string>();
    const failedTests = new Set<string>();
    let events = 0;
    for (const line of stdout.split('\n')) {
      const { data } = event.safeParse(parsed(line));
      if (data === undefined) continue;
      events += 1;
      const { Action: action, Package: pack = data.ImportPath ?? '', Test: name = '', Output: said } = data;
      const key = `${pack} ${name}`;
      if (said !== undefined) output.set(key, (output.get(key) ?? '') + said);
      if (name.includes('/')) groups.add(`${pack} ${name.slice(0, name.lastIndexOf('/'))}`);
      if (!['pass', 'fail', 'skip'].includes(action)) continue;
      if (name !== '') ended.push({ name, pack, outcome: action });
      if (name !== '' && action === 'fail') failedTests.add(pack);
      if (name !== '' || action !== 'fail' || failedTests.has(pack)) continue;
      // The package failed and none of its tests did: it was not built, or ended in the middle.
      const message = output.get(`${data.FailedBuild ?? ''} `) ?? output.get(key) ?? '';
      counting.fail({ name: pack, ...placeIn(message, ''), message });
    }
    for (const { name, pack, outcome } of ended) {
      if (groups.has(`${pack} ${name}`)) continue;
      if (outcome === 'pass') counting.pass();
      else if (outcome === 'skip') counting.skip();
      else {
        const message = output.get(`${pack} ${name}`) ?? '';
        counting.fail({ name, ...placeIn(message, folderOf(pack, module)), message });
      }
    }
    return events === 0 ? undefined : counting.counts;
  },
};

/** Folder of a package, with a slash where it has one. */
const folderOf = (pack: string, module: string): string =>
  module !== '' && pack.startsWith(`${module}/`) ? `${pack.slice(module.length + 1)}/` : '';

const placeIn = (said: string, folder: string): { readonly file?: string; readonly line?: number } => {
  const [, file, line] = /^\s*([\w./-]+\.go):(\d+):/m.exec(said) ?? [];
  return file === undefined ? {} : { file: `${folder}${file}`, line: Number(line) };
};
