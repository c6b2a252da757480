/** At most `length` characters, cut at a word where there is one, with an ellipsis where something is missing. */
export function truncate(text, length) {
  const letters = [...text];
  if (letters.length <= length) return text;
  const cut = letters.slice(0, length - 1).join('');
  const space = cut.lastIndexOf(' ');
  return `${space > length / 2 ? cut.slice(0, space) : cut}…`;
}
