/** The next of something, and whether that was all there is so far. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly whole: boolean;
}

/** The first `count`; the reader behind is closed at once, since no cursor of the journal may stay open while one waits. */
export function take<T>(all: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  for (const each of all) if (taken.push(each) >= count) break;
  return taken;
}

const PAGE = 1_000;

/** Everything after a place, read page by page. */
export function* paged<T>(read: (after: number) => Iterable<T>, placeOf: (each: T) => number, after = 0): Generator<T> {
  for (let page = take(read(after), PAGE); page.length > 0; page = take(read(after), PAGE)) {
    yield* page;
    after = placeOf(page[page.length - 1] as T);
  }
}
