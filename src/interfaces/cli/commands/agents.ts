import type { AgentExpected, AgentReplay, AgentView, ExpectedFigure, ExpectedSpread, ReplaySide } from '../../api/shapes.ts';
import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';
import { table } from '../output.ts';
import type { Paint } from '../style.ts';
import { duration, money, plural } from '../words.ts';

export const agents: Handler<{ readonly replay?: boolean }> = (context, _args, { replay = false }) =>
  context.reading(async ({ client }) => {
    const { out, cwd } = context;
    if (replay) {
      const replayed = await client.replay(cwd);
      out.result(replayed, () => replayLines(replayed, out.paint));
      return EXIT.done;
    }
    const all = await client.agents(cwd);
    if (out.json) for (const agent of all) out.data(agent);
    else out.say(...agentLines(all, out.paint));
    return EXIT.done;
  });

function agentLines(all: readonly AgentView[], paint: Paint): string[] {
  if (all.length === 0) return ['No agents are configured here. A workflow file may bring its own; see also: baton doctor'];
  return [
    ...table(
      ['agent', 'kind', 'can', 'at once', 'breaker', 'from'],
      all.map(({ name, kind, model, capabilities, slots, breaker = 'closed', source = '' }) => [
        name,
        model ?? kind,
        capabilities.join(', ') || '–',
        String(slots),
        paint(breaker === 'closed' ? 'good' : 'bad', breaker),
        source,
      ]),
      paint,
    ),
    '',
    ...table(
      ['agent', 'at', 'accepted', 'cost', 'time'],
      all.flatMap(({ name, expected = [] }) => expected.map((each, i) => [i === 0 ? name : '', ...expectedCells(each, paint)])),
      paint,
    ),
    ...(all.some(({ learn }) => learn === false) ? ['Learning is off (`routing: { learn: false }`): outcomes do not count.'] : []),
  ];
}

/** Of what is learned the mean, with the range between one in ten and nine in ten. */
function expectedCells({ capability, outcomes, success, costUsd, latencyMs }: AgentExpected, paint: Paint): string[] {
  const from = (figure: Pick<ExpectedFigure, 'from'>) => paint('dim', figure.from);
  const spread = (figure: ExpectedSpread, word: (amount: number) => string) => {
    const [low, mean, high] = [word(figure.low), word(figure.mean), word(figure.high)];
    return `${mean}${low === high ? '' : ` (${low} to ${high})`} ${from(figure)}`;
  };
  return [
    capability || paint('dim', 'when named'),
    `${percent(success.value)} ${success.from === 'outcomes' ? paint('dim', `of ${plural(outcomes, 'outcome')}`) : from(success)}`,
    spread(costUsd, money),
    spread(latencyMs, duration),
  ];
}

function replayLines({ tasks, earlier, learn, named, moved, unknown, nobody, compared, brier }: AgentReplay, paint: Paint): string[] {
  if (!brier) return ['No task of an agent has an outcome here yet, so there is no past to replay.'];
  return [
    `${plural(tasks, 'task')} of the past, routed again to the agents of this project:`,
    ...(earlier > 0 ? [`  ${earlier} before them were only learned from`] : []),
    `  ${named} named their agent and stay with it`,
    `  ${moved} would have gone to another agent${unknown > 0 ? `, ${unknown} of them to one of whom nothing is known` : ''}`,
    ...(nobody > 0 ? [`  ${nobody} could be done by none of these agents`] : []),
    '',
    ...(compared
      ? table(
          [`mean of ${plural(compared.tasks, 'task')}`, 'as done', 'as routed'],
          AMOUNTS.map(([name, word]) => [name, word(compared.done), word(compared.routed)]),
          paint,
        )
      : ['There is nothing to compare.']),
    '',
    `Forecasts of success (Brier score, less is better): ${brier.learned.toFixed(3)} learned, ${brier.assumed.toFixed(3)} assumed`,
    ...(learn ? [] : ['Learning is off (`routing: { learn: false }`): this is what it would do.']),
  ];
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
const known = (amount: number | undefined, word: (amount: number) => string): string => (amount === undefined ? 'unknown' : word(amount));
const AMOUNTS: readonly (readonly [name: string, word: (side: ReplaySide) => string])[] = [
  ['accepted', ({ success }) => percent(success)],
  ['cost', ({ costUsd }) => known(costUsd, money)],
  ['time', ({ latencyMs }) => known(latencyMs, duration)],
];
