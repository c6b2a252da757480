import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';
import { table } from '../output.ts';
import { statusTone } from '../status-words.ts';
import { bytes, plural } from '../words.ts';

export const workspaces: Handler<object> = (context) =>
  context.reading(async ({ client }) => {
    const { out } = context;
    const all = await client.workspaces();
    out.result({ workspaces: all }, () =>
      all.length === 0
        ? ['There are none.']
        : [
            ...table(
              ['workspace', 'task is', 'run is', 'size', 'folder'],
              all.map(({ id, status, runStatus, bytes: size, folder }) => [
                id,
                status === undefined ? '' : out.paint(statusTone(status), status),
                runStatus === undefined ? '' : out.paint(statusTone(runStatus), runStatus),
                bytes(size),
                folder,
              ]),
              out.paint,
            ),
            '',
            `${plural(all.length, 'workspace')}, ${bytes(all.reduce((sum, each) => sum + each.bytes, 0))}. Those of ended runs go with: baton clean`,
          ],
    );
    return EXIT.done;
  });
