/** A change of a plan, in lines with a sign in front. */
import type { PlanLine } from '../api/shapes.ts';
import type { Paint } from './style.ts';
import { printable } from './width.ts';

export function planLineText({ what, task, before = '', after = '' }: PlanLine, paint: Paint): string {
  const change = printable(`${before || 'nothing'} → ${after || 'nothing'}`);
  switch (what) {
    case 'added':
      return `${paint('good', '+')} ${task}${after === '' ? '' : `  ${printable(after)}`}`;
    case 'dropped':
      return `${paint('bad', '-')} ${task}`;
    case 'agent':
      return `${paint('wait', '~')} ${task}  agent ${change}`;
    case 'needs':
      return `${paint('wait', '~')} ${task}  needs ${change}`;
    default:
      return what satisfies never;
  }
}
