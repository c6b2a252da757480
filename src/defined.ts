type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The object without its undefined fields: a field that is missing and one that is undefined are not the same. */
export const defined = <T extends object>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
