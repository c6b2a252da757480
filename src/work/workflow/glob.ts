/** Is a text a glob of paths inside the project, in the one spelling by which two globs can be compared segment by segment? */
export function isGlob(text: string): boolean {
  if (text === '' || text.startsWith('/') || /[\\\0]/.test(text)) return false;
  return balanced(text) && text.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}

/** Brackets and braces close, do not nest, and stay within one segment. */
function balanced(text: string): boolean {
  let inside = '';
  for (const letter of text) {
    if (inside !== '') {
      if (letter === '/' || letter === '{' || (letter === '[' && inside !== ']')) return false;
      if (letter === inside) inside = '';
    } else if (letter === '[') inside = ']';
    else if (letter === '{') inside = '}';
    else if (letter === ']' || letter === '}') return false;
  }
  return inside === '';
}
