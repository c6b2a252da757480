/** Recipes whose result is read by people: reviews, reports, documentation, releases. */
import type { DraftTask } from '../draft.ts';
import { about, approve, byAgent, command, hasWorker, ownChecks, type Recipe, tool } from './recipe.ts';

const covers = ['R1'];
const WRITE = ['write', 'text', 'docs', 'documentation', 'code'];
const REVIEW = ['review', 'code'];
const READ = ['research', 'text', 'review', 'code'];

export const reviewChange: Recipe = {
  name: 'review-change',
  what: 'looks at a change from three sides at once, and brings what was found together',
  fits: (goal, situation) =>
    hasWorker(situation) && /\breview\b|\baudit\b|\bcode\s?review\b|\blook\s+(?:over|through)\b/i.test(goal) && !/\badd\b/i.test(goal),
  tasks: (goal, situation) => {
    const sides = Object.entries(SIDES).map(([id, text]) =>
      byAgent(situation, REVIEW, id, `The change, for its ${id}`, about(`${text} Change nothing. ${LIST}`, goal), {
        needs: ['history', 'change'],
        inputs: { history: 'history', change: 'change' },
        outputs: ['findings'],
      }),
    );
    return [
      tool('history', 'The latest commits', 'git.log'),
      tool('change', 'What has changed and is not committed', 'git.diff'),
      ...sides,
      byAgent(situation, REVIEW, 'report', 'One report, the worst first', about(TOGETHER, goal), {
        needs: sides.map(({ id }) => id),
        inputs: Object.fromEntries(sides.map(({ id }) => [id, `${id}.findings`])),
        outputs: ['report'],
        covers,
      }),
    ];
  },
};
const SIDES = {
  correctness: 'Look for faults: wrong results, missing cases, races, errors that are lost.',
  security: 'Look for what somebody with bad intentions could use: input, paths, secrets, rights.',
  tests: 'Look at what the tests would not notice if it broke, and at what is hard to read.',
} as const;
const LIST = 'Give each finding in `findings` with file, line, what is wrong, and how you know.';
const TOGETHER = 'Bring the findings together in `report`: no finding twice, the worst first, and what was looked at without a finding.';

export const research: Recipe = {
  name: 'research-report',
  what: 'cuts the subject into questions, answers them, and writes a report that is checked against its sources',
  fits: (goal, situation) =>
    hasWorker(situation) &&
    /\b(?:research|investigate|compare|survey|find\s+out|analy[sz]e|evaluate|summari[sz]e|report\s+on|look\s+into|explore)\b/i.test(goal),
  tasks: (goal, situation) => [
    byAgent(situation, READ, 'ask', 'Which questions have to be answered', about(ASK, goal), { outputs: ['questions'], size: 1 }),
    byAgent(situation, READ, 'answer', 'Answers, each with its source', about(ANSWER, goal), {
      needs: ['ask'],
      inputs: { questions: 'ask.questions' },
      outputs: ['answers'],
      size: 3,
      ...(situation.network.size > 0 ? { network: [...situation.network] } : {}),
    }),
    byAgent(situation, WRITE, 'report', 'The report', about(REPORT, goal), {
      needs: ['answer'],
      inputs: { answers: 'answer.answers' },
      writes: ['report.md'],
      gates: [{ name: 'there is a report', run: 'test -s report.md' }],
      covers,
    }),
    byAgent(situation, REVIEW, 'check', 'Is every statement backed?', about(BACKED, goal), {
      needs: ['report'],
      inputs: { answers: 'answer.answers' },
      outputs: ['unbacked'],
      size: 1,
    }),
  ],
};
const ASK = 'Cut this into at most seven questions that together settle it, in `questions`.';
const ANSWER = 'Answer each question in `answers`, with where the answer comes from. Say what you could not find out.';
const REPORT = 'Write `report.md`: the conclusion first, then what it rests on, each statement with its source, then what is open.';
const BACKED = 'Read `report.md` and list in `unbacked` every statement that the answers do not back. Change nothing.';

export const document: Recipe = {
  name: 'document',
  what: 'reads the code, writes about it, and has every statement checked against the code',
  fits: (goal, situation) =>
    hasWorker(situation) && /\b(?:document\w*|docs|readme|docstrings?|changelog|tutorial|guide|manual|comments?)\b/i.test(goal),
  tasks: (goal, situation) => [
    byAgent(situation, READ, 'outline', 'What has to be told, to whom', about(OUTLINE, goal), { outputs: ['outline'], size: 1 }),
    byAgent(situation, WRITE, 'write', 'The text', about('Write it, in the places and the style that the project already has.', goal), {
      needs: ['outline'],
      inputs: { outline: 'outline.outline' },
      covers,
      ...ownChecks(situation),
    }),
    byAgent(situation, REVIEW, 'check', 'Every statement against the code', about(STATEMENTS, goal), {
      needs: ['write'],
      outputs: ['wrong'],
      size: 1,
    }),
    byAgent(situation, WRITE, 'correct', 'Put right what was wrong', about(CORRECT, goal), {
      needs: ['check'],
      inputs: { wrong: 'check.wrong' },
      size: 1,
      ...ownChecks(situation),
    }),
  ],
};
const OUTLINE = 'Read the project and say in `outline` what has to be told, in which file, with the code it is about. Change nothing.';
const STATEMENTS =
  'Hold every statement of the new text against the code, run its examples, and list in `wrong` what is not so. Change nothing.';
const CORRECT = 'Put right in the text what is listed in `wrong`. Where nothing is listed, change nothing.';

export const release: Recipe = {
  name: 'release',
  what: 'checks everything, writes the notes, asks a person, and only then publishes',
  fits: (goal, situation) => hasWorker(situation) && /\b(?:release|publish|ship|cut\s+(?:a\s+)?version|deploy)\b/i.test(goal),
  tasks: (goal, situation) => {
    const { commands, scripts } = situation.project;
    const checks = (['test', 'build', 'lint'] as const).flatMap((each): DraftTask[] => {
      const run = commands[each];
      return run === undefined ? [] : [command(each, `The project's own ${each}`, run)];
    });
    const publish = ['release', 'publish', 'deploy'].find((each) => scripts?.has(each));
    return [
      tool('history', 'What has changed since', 'git.log'),
      ...checks,
      byAgent(situation, WRITE, 'notes', 'Release notes', about(NOTES, goal), {
        needs: ['history'],
        inputs: { history: 'history' },
        outputs: ['notes'],
      }),
      approve('approve', 'A person decides', `Release? ${goal}`, {
        needs: ['notes', ...checks.map(({ id }) => id)],
        ...(publish === undefined ? { covers } : {}),
      }),
      ...(publish === undefined
        ? []
        : [
            command('publish', 'Publish', `npm run ${publish}`, {
              needs: ['approve'],
              irreversible: true,
              approval: 'start',
              covers,
            } as const),
          ]),
    ];
  },
};
const NOTES = 'Write the release notes in `notes`: what changed for users, what they have to do, in the style of the project.';
