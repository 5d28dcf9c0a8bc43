/**
 * From what the gateway says to the same in another language: by the form of the sentence, as it stands in the
 * gateway's source (`no queue is called {name:?}`), names and numbers kept. Nothing is decided by it.
 */

/**
 * The forms, and the same in the reader's language. `{1}` is what stood in the first hole; `{1~}` a word there that
 * has one in that language too, such as a role's, while `{1}` may be the name of a key.
 */
export type Catalogue = Record<string, string>;

/** What is filled in by the gateway: `{}`, `{name}`, `{0:?}`; not the braces of a sample. */
const HOLE = /(?<!\{)\{(?:\w*)(?::[^{}]*)?\}(?!\})/g;
/** What stands between the sentences of one answer. */
const JOINTS = /(; | -> |(?<=[a-z]): |(?<=[a-z0-9)"])\. (?=[A-Z]))/;
/** So deep may sentences stand in one another. */
const DEPTH = 4;

interface Form {
  pattern: RegExp;
  own: string;
  /** How much of it is fixed: the more, the surer. */
  fixed: number;
}

const literally = (text: string) =>
  text
    .replaceAll('{{', '{')
    .replaceAll('}}', '}')
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function formOf(said: string, own: string): Form {
  const pieces = said.split(HOLE).map(literally);
  const fixed = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return { pattern: new RegExp(`^${pieces.join('(.*?)')}$`, 's'), own, fixed };
}

/** How many holes a form has. */
export const holes = (said: string): number => said.match(HOLE)?.length ?? 0;

/** What a form says with its holes filled. */
export function filled(
  form: string,
  fillings: readonly string[],
  word: (word: string) => string = (it) => it,
): string {
  return form.replace(/\{(\d+)(~?)\}/g, (whole, n, wordly) => {
    const filling = fillings[Number(n) - 1];
    return filling === undefined ? whole : wordly ? word(filling) : filling;
  });
}

/** Says in another language whatever the catalogue has; the rest stands as it was said. */
export function sayer(catalogue: Catalogue, words: Catalogue): (said: string) => string {
  const word = (it: string) =>
    it
      .split(' and ')
      .map((one) => (Object.hasOwn(words, one) ? (words[one] ?? one) : one))
      .join(' dan ');
  const forms = Object.entries(catalogue)
    .filter(([said]) => holes(said) > 0)
    .map(([said, own]) => formOf(said, own))
    .sort((a, b) => b.fixed - a.fixed);
  const known = new Map<string, string>();
  const own = (said: string, depth: number): string => {
    // A name in quotes is nobody's sentence.
    if (depth > DEPTH || !/\p{L}/u.test(said) || /^"[^"]*"$/.test(said)) return said;
    const exact = Object.hasOwn(catalogue, said) ? catalogue[said] : undefined;
    if (exact !== undefined && holes(said) === 0) return exact;
    for (const form of forms) {
      const found = form.pattern.exec(said);
      if (found) {
        return filled(
          form.own,
          found.slice(1).map((part) => own(part, depth + 1)),
          word,
        );
      }
    }
    const parts = said.split(JOINTS);
    if (parts.length > 1) return parts.map((part) => own(part, depth + 1)).join('');
    // One field and what it takes.
    const [, field, rest] = /^([\w.]+) (.+)$/s.exec(said) ?? [];
    if (field && rest) {
      const told = own(rest, depth + 1);
      if (told !== rest) return `${field} ${told}`;
    }
    return said;
  };
  return (said) => {
    const before = known.get(said);
    if (before !== undefined) return before;
    const told = own(said, 0);
    known.set(said, told);
    return told;
  };
}
