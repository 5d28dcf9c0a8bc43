/**
 * What people read, in Indonesian and in English. A page brings its own catalogue; a key that one of
 * the languages lacks does not compile.
 */
import { effect } from '@preact/signals';
import { setting } from '../kept';
import { en } from './en';
import { id } from './id';

export const LANGUAGES = ['id', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

const preferred: Language = navigator.language.toLowerCase().startsWith('en') ? 'en' : 'id';

/** The language of the page. */
export const language = setting<Language>('language', LANGUAGES, preferred);

effect(() => {
  document.documentElement.lang = language.value;
});

type Filling = Record<string, string | number>;

function fill(text: string, filling: Filling): string {
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(filling[name] ?? whole));
}

/**
 * A catalogue of a page's own: `const t = catalogue({ id: { hold: 'Tahan' }, en: { hold: 'Hold' } })`,
 * then `t('hold')`. `{name}` in a text is filled by `t('key', { name })`.
 */
export function catalogue<K extends string>(texts: Record<Language, Record<K, string>>) {
  return (key: K, filling: Filling = {}) => fill(texts[language.value][key], filling);
}

/** The catalogue of the shell and of what all pages share. */
export const t = catalogue<keyof typeof id>({ id, en });

/**
 * The word of the gateway for a state, a class, a flag … in the reader's language: looked up in a
 * catalogue under `prefix.word`; shown as it is where no page knows it yet.
 */
export function wordFrom(texts: Record<Language, Record<string, string>>, prefix: string) {
  return (word: string) => texts[language.value][`${prefix}.${word}`] ?? word;
}

const shared = { id, en };
/** A seat's state. */
export const seatState = wordFrom(shared, 'seat');
/** Why a seat is paused, where it is one of the usual reasons. */
export const pauseReason = wordFrom(shared, 'pause');
/** A call's state. */
export const callState = wordFrom(shared, 'call');
/** What kind of call it was. */
export const disposition = wordFrom(shared, 'disposition');
/** All of its kinds. */
export const DISPOSITIONS = Object.keys(en)
  .filter((key) => key.startsWith('disposition.'))
  .map((key) => key.slice('disposition.'.length));
/** A lane of a queue. */
export const laneName = wordFrom(shared, 'lane');
/** What is to be seen of a call at once. */
export const flagName = wordFrom(shared, 'flag');
/** How a call came out. */
export const outcomeName = wordFrom(shared, 'outcome');

/** A language by its tag (RFC 5646), as its reader calls it. */
export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames([language.value], { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}
