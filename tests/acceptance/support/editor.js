/** A scripted agent: its prompt is a list of edits, another one for when its work came back. Hands over what it was told. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const task = JSON.parse(readFileSync(process.env.BATON_TASK, 'utf8'));
const { first, again } = JSON.parse(task.prompt);
for (const edit of task.feedback.length > 0 ? again : first) {
  if (edit.sleep !== undefined) await new Promise((resolve) => setTimeout(resolve, edit.sleep));
  else if (edit.write !== undefined) {
    mkdirSync(dirname(edit.write), { recursive: true });
    writeFileSync(edit.write, edit.text);
  } else if (edit.line !== undefined) {
    const lines = readFileSync(edit.of, 'utf8').split('\n');
    lines[edit.line] = edit.text;
    writeFileSync(edit.of, lines.join('\n'));
  } else if (edit.run !== undefined) execFileSync('bash', ['-c', edit.run], { stdio: 'inherit' });
  else if (edit.both !== undefined) writeFileSync(edit.both, readFileSync(edit.both, 'utf8').replace(/^(<{7}|={7}|>{7}|\|{7}).*\n/gm, ''));
}
writeFileSync(process.env.BATON_HANDOFF, JSON.stringify({ summary: 'done', outputs: { feedback: task.feedback }, status: 'done' }));
