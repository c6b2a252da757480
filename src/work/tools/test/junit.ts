/** Reports in JUnit's XML, as Node's own runner and pytest write them: one `testcase` for each test, suites around them. */
import { Counting, lineIn, type Project, type TestCounts } from './runner.ts';
import { xmlEvents } from './xml.ts';

interface Case {
  readonly attributes: ReadonlyMap<string, string>;
  outcome: 'passed' | 'failed' | 'skipped';
  said: string;
  text: string;
}

export const readJUnit = (xml: string, project: Pick<Project, 'inside'>): TestCounts | undefined => {
  const counting = new Counting(project);
  let suites = 0;
  let open: Case | undefined;
  for (const event of xmlEvents(xml)) {
    if (event.type === 'open' && event.name.startsWith('testsuite')) suites += 1;
    else if (event.type === 'open' && event.name === 'testcase')
      open = { attributes: event.attributes, outcome: 'passed', said: '', text: '' };
    else if (event.type === 'open' && open !== undefined) mark(open, event.name, event.attributes);
    else if (event.type === 'text' && open?.outcome === 'failed') open.text += event.text;
    else if (event.type === 'close' && event.name === 'testcase' && open !== undefined) {
      count(counting, open);
      open = undefined;
    }
  }
  return suites === 0 ? undefined : counting.counts;
};

const mark = (open: Case, name: string, attributes: ReadonlyMap<string, string>): void => {
  if (name === 'skipped') open.outcome = 'skipped';
  if (name !== 'failure' && name !== 'error') return;
  open.outcome = 'failed';
  open.said ||= attributes.get('message') ?? '';
};

const count = (counting: Counting, { attributes, outcome, said, text }: Case): void => {
  if (outcome !== 'failed') {
    if (outcome === 'passed') counting.pass();
    else counting.skip();
    return;
  }
  const file = attributes.get('file');
  const declared = attributes.get('line');
  const group = attributes.get('classname') ?? '';
  const name = attributes.get('name') ?? '';
  counting.fail({
    // Node calls everything that is in no suite `test`.
    name: group === '' || group === 'test' ? name : `${group} › ${name}`,
    file,
    // pytest counts lines from 0.
    line: lineIn(text, file) ?? (declared === undefined ? undefined : Number(declared) + 1),
    message: said === '' ? text : said,
  });
};
