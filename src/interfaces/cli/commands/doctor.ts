import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';
import { table } from '../output.ts';
import { pad } from '../width.ts';

export const doctor: Handler<{ readonly config?: boolean }> = (context, _args, { config = false }) =>
  context.reading(async ({ client }) => {
    const { out, cwd } = context;
    if (config) {
      const settings = await client.settings(cwd);
      if (out.json) for (const setting of settings) out.data(setting);
      else
        out.say(
          ...table(
            ['setting', 'value', 'from'],
            settings.map(({ name, value, source }) => [name, JSON.stringify(value) ?? '', source]),
            out.paint,
          ),
        );
      return EXIT.done;
    }
    const { well, checks } = await client.doctor(cwd);
    out.result({ well, checks }, () =>
      checks.flatMap(({ part, well: fine, needed = true, says, hint }) => [
        `${out.paint(fine ? 'good' : needed ? 'bad' : 'wait', fine ? '✓' : needed ? '✗' : '–')} ${pad(part, 14)}  ${says}`,
        ...(fine || hint === undefined ? [] : [out.paint('dim', `  ${pad('', 14)}  ${hint}`)]),
      ]),
    );
    return well ? EXIT.done : EXIT.failed;
  });
