import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatonError } from '../../../errors.ts';
import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';

const SETTINGS = `# What belongs to this project. All of it is optional; "baton doctor --config" shows what counts, and why.
version: 1

# A run may use this much; a workflow may ask for less.
limits: { costUsd: 5, wallTime: 2h }

# Agents that every workflow here may use.
# agents:
#   writer:
#     model: openai/gpt-5-mini        # the key comes from OPENAI_API_KEY
#     instructions: You write short and exact texts.
`;

const WORKFLOW = `# A first workflow. See what it would do: baton plan hello.yaml. Run it: baton run hello.yaml --input who=Ann
version: 1
name: hello
inputs:
  who: { type: string, default: world }

tasks:
  greet:
    run: echo "Hello, $WHO."
    env: { WHO: "\${{ inputs.who }}" }       # data reaches a command through env, never through its text
    idempotent: true

  count:
    needs: [greet]
    run: printf '%s' "$TEXT" | wc -c
    env: { TEXT: "\${{ tasks.greet.outputs.stdout }}" }
    idempotent: true

  # An agent's task, once baton.yaml has one:
  # reply:
  #   needs: [greet]
  #   agent: writer
  #   prompt: "Answer this greeting: \${{ tasks.greet.outputs.stdout }}"
`;

/** Writes what is missing and touches nothing that is there. */
export const init: Handler<object> = async ({ out, cwd }) => {
  const wrote: string[] = [];
  const kept: string[] = [];
  const put = (name: string, text: string) => {
    if (existsSync(join(cwd, name))) {
      kept.push(name);
      return;
    }
    writeFileSync(join(cwd, name), text, { flag: 'wx' });
    wrote.push(name);
  };
  try {
    put('baton.yaml', SETTINGS);
    put('hello.yaml', WORKFLOW);
    mkdirSync(join(cwd, '.baton'), { recursive: true, mode: 0o700 });
    put('.baton/.gitignore', '*\n');
  } catch (error) {
    throw new BatonError('FOLDER_NOT_WRITABLE', `${cwd} can't be written: ${error instanceof Error ? error.message : String(error)}`, {
      where: cwd,
      cause: error,
    });
  }
  out.result({ wrote, kept }, () => [
    ...wrote.map((name) => `wrote  ${name}`),
    ...kept.map((name) => `kept   ${name}, which was there`),
    '',
    'See what the workflow would do: baton plan hello.yaml',
    'Run it:                         baton run hello.yaml',
  ]);
  return EXIT.done;
};
