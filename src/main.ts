/** The binary: what was typed, handed to the command line, with the parts that compose offers. */
import { createParts, version } from './compose.ts';
import { runCli } from './interfaces/cli/cli.ts';

const { argv, env, stdin, stdout, stderr } = process;
const code = await runCli(argv.slice(2), { parts: createParts(version()), streams: { stdin, stdout, stderr }, cwd: process.cwd(), env });
// What was printed into a pipe is out before the process goes; what still listens does not keep it.
stdout.write('', () => process.exit(code));
