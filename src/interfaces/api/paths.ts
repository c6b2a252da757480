/** A path in a tree: relative to its top, with `/`, and nowhere outside it. */
export const isTreePath = (path: string): boolean =>
  path !== '' && !path.startsWith('/') && !path.includes('\0') && !path.split('/').includes('..');
