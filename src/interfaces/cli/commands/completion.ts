import { BatonError } from '../../../errors.ts';
import type { Handler } from '../command.ts';
import { EXIT } from '../context.ts';

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_baton() {
  local IFS=$'\\n'
  COMPREPLY=($(baton complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _baton baton`,
  zsh: `#compdef baton
_baton() {
  local -a found
  found=("\${(@f)$(baton complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=(\${found:#})
  if (( \${#found} )); then compadd -a found; else _files; fi
}
compdef _baton baton`,
  fish: `function __baton
  set -l words (commandline -opc) (commandline -ct)
  baton complete -- $words[2..-1] 2>/dev/null
end
complete -c baton -a '(__baton)'`,
};

export const completion: Handler<object> = async ({ out }, [shell = '']) => {
  const script = SCRIPTS[shell];
  if (script === undefined)
    throw new BatonError('USAGE', `There is no completion for "${shell}".`, { hint: `One of: ${Object.keys(SCRIPTS).join(', ')}` });
  out.streams.stdout.write(`${script}\n`);
  return EXIT.done;
};
