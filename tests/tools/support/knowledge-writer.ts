/** A process that puts entries into the file it is given, one after another, and says after each that it is there. */
import { KnowledgeStore } from '../../../src/work/knowledge/store.ts';

const [path = '', name = '', entries = '0'] = process.argv.slice(2);
const store = new KnowledgeStore({ path, now: Date.now, limits: { entries: Number.MAX_SAFE_INTEGER } });
const knowledge = store.of('/project', { run: name, task: 't', attempt: 1 });
for (let n = 1; n <= Number(entries); n++) {
  knowledge.put({ text: `Entry ${n} of ${name}. ${'Some more words. '.repeat(50)}` });
  if (process.connected) process.send?.(n);
  // Lets what was said be sent.
  await new Promise(setImmediate);
}
store.close();
process.disconnect();
