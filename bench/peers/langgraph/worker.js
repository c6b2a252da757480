// LangGraph.js: a step is a node that loops; durability 'sync' writes the checkpoint before the next superstep.
import { Annotation, END, Send, START, StateGraph } from '@langchain/langgraph';
import { drive } from '../../child/drive.ts';

const { SAVER, DATABASE_URL, SYNCHRONOUS, SERVER_PIDS = '' } = process.env;

async function openSaver(folder) {
  if (SAVER === 'postgres') {
    const { PostgresSaver } = await import('@langchain/langgraph-checkpoint-postgres');
    const saver = PostgresSaver.fromConnString(DATABASE_URL);
    await saver.setup();
    return saver;
  }
  const { SqliteSaver } = await import('@langchain/langgraph-checkpoint-sqlite');
  const saver = SqliteSaver.fromConnString(`${folder}/langgraph.db`);
  saver.setup?.();
  if (SYNCHRONOUS) saver.db.pragma(`synchronous=${SYNCHRONOUS}`);
  return saver;
}

await drive(async ({ folder }, perform) => {
  const checkpointer = await openSaver(folder);
  const Chain = Annotation.Root({ n: Annotation(), steps: Annotation(), last: Annotation() });
  const chain = new StateGraph(Chain)
    .addNode('s', async ({ n }, { configurable }) => ({ n: n + 1, last: (await perform(configurable.thread_id, n)) ?? null }))
    .addEdge(START, 's')
    .addConditionalEdges('s', ({ n, steps }) => (n < steps ? 's' : END))
    .compile({ checkpointer });
  const Fan = Annotation.Root({
    width: Annotation(),
    all: Annotation({ reducer: (a, b) => a.concat(b), default: () => [] }),
    joined: Annotation(),
  });
  const fan = new StateGraph(Fan)
    .addNode('f', async ({ n }, { configurable }) => ({ all: [(await perform(configurable.thread_id, n)) ?? null] }))
    .addNode('join', ({ all }) => ({ joined: all.length }))
    .addConditionalEdges(START, ({ width }) => Array.from({ length: width }, (_, n) => new Send('f', { n })), ['f'])
    .addEdge('f', 'join')
    .addEdge('join', END)
    .compile({ checkpointer });
  const config = (id) => ({ configurable: { thread_id: id }, durability: 'sync', recursionLimit: 200_000 });
  const run = (id, steps) => chain.invoke({ n: 0, steps }, config(id));
  return {
    run,
    fan: (id, width) => fan.invoke({ width }, config(id)),
    async resume(ids, steps) {
      // Nothing goes on by itself: each thread is looked up and invoked again.
      await Promise.all(
        ids.map(async (id) => {
          const state = await chain.getState(config(id));
          if (!state.createdAt) return run(id, steps);
          if (state.next.length === 0 && state.values.n === steps) return undefined;
          const { n } = await chain.invoke(null, config(id));
          if (n !== steps) throw new Error(`${id} says that it is over after ${n} of ${steps} steps`);
          return undefined;
        }),
      );
    },
    processes: () => SERVER_PIDS.split(' ').filter(Boolean).map(Number),
    close: async () => {},
  };
});
