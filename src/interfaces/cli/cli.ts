/** The command line: what was typed to a command, its errors to an exit code. */
import type { Command } from 'commander';
import { BatonError } from '../../errors.ts';
import { didYouMean } from '../../near.ts';
import type { CommandSpec } from './command.ts';
import { type Context, createContext, EXIT, type GlobalOptions, type Machine } from './context.ts';
import { exitCodeOf } from './exit-code.ts';
import { Output } from './output.ts';
import { nameOf, SPECS } from './specs.ts';

/** @param argv what was typed after the program's name @returns the exit code */
export async function runCli(argv: readonly string[], machine: Machine): Promise<number> {
  const { streams, env } = machine;
  streams.stdout.on('error', ignoreClosedPipe);
  try {
    return (await typedAlone(argv, machine)) ?? (await parsed(argv, machine));
  } catch (error) {
    new Output({ streams, env, json: argv.includes('--json') }).error(error);
    return exitCodeOf(error);
  }
}

/** A command without arguments and options needs no parser, which would be a tenth of its time. */
async function typedAlone([name, ...rest]: readonly string[], machine: Machine): Promise<number | undefined> {
  const spec = rest.length === 0 ? SPECS.find((each) => nameOf(each) === name) : undefined;
  if (!spec || spec.usage.includes('<')) return undefined;
  const handler = await spec.load();
  return handler(createContext(machine, {}), [], {} as never);
}

async function parsed(argv: readonly string[], machine: Machine): Promise<number> {
  const { Command, CommanderError } = await import('commander');
  const ran: { code: number } = { code: EXIT.done };
  try {
    await createProgram(new Command('baton'), machine, ran).parseAsync([...argv], { from: 'user' });
    return ran.code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    throw error;
  }
}

function createProgram(program: Command, machine: Machine, ran: { code: number }): Command {
  const { streams, parts } = machine;
  program
    .description('Hand work to many agents; get it back finished, checked and reversible.')
    .version(parts.version, '-V, --version', 'print the version')
    .option('--json', 'JSON instead of text; streams are JSON lines')
    .option('--home <folder>', 'where runs are kept (BATON_HOME); default: .baton beside the project')
    .option('--color', 'colours, also in a pipe')
    .option('--no-color', 'no colours (NO_COLOR)')
    .helpOption('-h, --help', 'print this')
    .helpCommand('help [command]', 'print the help of a command')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(text),
    })
    .addHelpText('after', MORE)
    .action((_options, command: Command) => {
      const [typed] = command.args;
      if (typed === undefined) return command.help();
      const near = didYouMean(typed, SPECS.map(nameOf));
      throw new BatonError('USAGE', `There is no command "${typed}".`, {
        hint: near ? `Did you mean "baton ${near}"?` : 'See what there is: baton --help',
      });
    })
    .allowExcessArguments();
  for (const spec of SPECS) addCommand(program, spec, machine, ran);
  program
    .command('owner', { hidden: true })
    .description('own the home and serve it; started by other commands')
    .action(async (_options, command: Command) => {
      const { serveHome } = await import('./commands/owner.ts');
      ran.code = await serveHome(machine, command.optsWithGlobals());
    });
  program
    .command('complete [words...]', { hidden: true })
    .allowUnknownOption()
    .action(async (words: string[], _options, command: Command) => {
      const { complete } = await import('./commands/complete.ts');
      ran.code = await complete(contextOf(machine, command), words, program);
    });
  return program;
}

function addCommand(program: Command, spec: CommandSpec, machine: Machine, ran: { code: number }): void {
  const command = program.command(spec.usage).description(spec.about).helpGroup(`${spec.group}:`);
  for (const { flags, about, read } of spec.options ?? []) read ? command.option(flags, about, read) : command.option(flags, about);
  const examples = spec.examples.map(([typed, what]) => `  $ ${typed}\n      ${what}`).join('\n');
  command.addHelpText('after', `${spec.more === undefined ? '' : `\n${spec.more}\n`}\nExamples:\n${examples}`);
  command.action(async (...given: unknown[]) => {
    const handler = await spec.load();
    const count = command.registeredArguments.length;
    const args = given.slice(0, count).filter((arg): arg is string => typeof arg === 'string');
    ran.code = await handler(contextOf(machine, command), args, command.optsWithGlobals() as never);
  });
}

function contextOf(machine: Machine, command: Command): Context {
  const { json, color, home } = command.optsWithGlobals<GlobalOptions>();
  // commander says `true` when neither flag was typed.
  const typed = command.parent?.getOptionValueSource('color') === 'cli' ? color : undefined;
  return createContext(machine, {
    ...(json === undefined ? {} : { json }),
    ...(typed === undefined ? {} : { color: typed }),
    ...(home === undefined ? {} : { home }),
  });
}

/** Whoever read our output has seen enough. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.done);
}

const MORE = `
A run is named by its id, the beginning of it, or "last".

Exit codes: 0 done, 1 failed, 2 usage, 3 waiting for a person, 4 refused by policy, 130 interrupted.
Start with: baton init, baton demo, or baton help run`;
