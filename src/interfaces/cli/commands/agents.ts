import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';
import { table } from '../output.ts';

export const agents: Handler<object> = (context) =>
  context.reading(async ({ client }) => {
    const { out, cwd } = context;
    const all = await client.agents(cwd);
    if (out.json) for (const agent of all) out.data(agent);
    else if (all.length === 0) out.say('No agents are configured here. A workflow file may bring its own; see also: baton doctor');
    else
      out.say(
        ...table(
          ['agent', 'kind', 'can', 'at once', 'breaker', 'from'],
          all.map(({ name, kind, model, capabilities, slots, breaker = 'closed', source = '' }) => [
            name,
            model ?? kind,
            capabilities.join(', ') || '–',
            String(slots),
            out.paint(breaker === 'closed' ? 'good' : 'bad', breaker),
            source,
          ]),
          out.paint,
        ),
      );
    return EXIT.done;
  });
