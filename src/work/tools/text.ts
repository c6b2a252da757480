/** Cuts texts to what a model is shown, and says what was left out. */

/** Most characters of one result that a model sees. */
export const TOOL_TEXT_MAX = 30_000;
/** Of a text that is too long, this part of what is shown is its beginning; the rest is its end. */
const BEGINNING = 2 / 3;

export const capText = (text: string, charactersMax: number = TOOL_TEXT_MAX): string => {
  if (text.length <= charactersMax) return text;
  const beginning = text.slice(0, wholeCharacters(text, Math.floor(charactersMax * BEGINNING)));
  const end = text.slice(wholeCharacters(text, text.length - (charactersMax - beginning.length)));
  const left = text.length - beginning.length - end.length;
  return `${beginning}\n[… ${left} of ${text.length} characters left out here; ask for less, or for a part …]\n${end}`;
};

/** The cut, moved so that it does not fall between the two halves of one character. */
const wholeCharacters = (text: string, cut: number): number => {
  const before = text.charCodeAt(cut - 1);
  return before >= 0xd800 && before <= 0xdbff ? cut - 1 : cut;
};
