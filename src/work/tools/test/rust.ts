/** `cargo test` reports in text; its JSON is not for stable compilers. Each test binary has a section of its own. */
import { Counting, type TestRunner } from './runner.ts';

export const cargo: TestRunner = {
  name: 'cargo',
  found: ({ names }) => names.has('Cargo.toml'),
  command: () => ['cargo', 'test', '--no-fail-fast', '--color=never'],

  read({ stdout }, project) {
    const counting = new Counting(project);
    let sections = 0;
    let said = new Map<string, string>();
    let failed: string[] = [];
    let about: string | undefined;
    for (const line of stdout.split('\n')) {
      const [, name = '', outcome = ''] = /^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)/.exec(line) ?? [];
      if (outcome === 'ok') counting.pass();
      else if (outcome === 'ignored') counting.skip();
      else if (outcome === 'FAILED') failed.push(name);
      const [, header] = /^---- (.+) stdout ----$/.exec(line) ?? [];
      if (header !== undefined) about = header;
      else if (line === 'failures:') about = undefined;
      else if (about !== undefined) said.set(about, `${said.get(about) ?? ''}${line}\n`);
      if (!line.startsWith('test result: ')) continue;
      sections += 1;
      for (const each of failed) counting.fail({ name: each, ...placeIn(said.get(each) ?? '') });
      [said, failed, about] = [new Map(), [], undefined];
    }
    // What printed no result did not compile, or crashed: the exit code tells.
    return sections === 0 ? undefined : counting.counts;
  },
};

const placeIn = (said: string): { readonly file?: string; readonly line?: number; readonly message: string } => {
  const [, file, line] = /panicked at ([^\s:]+):(\d+):\d+:/.exec(said) ?? [];
  const [message = ''] = said.split('\nstack backtrace:');
  return file === undefined ? { message } : { file, line: Number(line), message };
};
