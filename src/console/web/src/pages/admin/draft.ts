// What an admin has changed and not yet applied. It is kept under lock in the browser too, so that neither a reload nor
// a session that ran out loses what was typed.
import { get, put } from '../../vault';

/** A file of the configuration. */
export interface File {
  name: string;
  text: string;
}

/** Changes that wait. */
export interface Draft {
  /** Digest of the files that they were made on. */
  base: string;
  /** Texts by name; null for a file that is to go. */
  files: Record<string, string | null>;
  /** Why, as far as it was typed. */
  why: string;
}

/** No changes on these files. */
export function emptyDraft(base: string): Draft {
  return { base, files: {}, why: '' };
}

/** The draft with one file changed; a text that is as it was is no change. */
export function edited(
  draft: Draft,
  files: readonly File[],
  name: string,
  text: string | null,
): Draft {
  const next = { ...draft.files };
  if (files.find((file) => file.name === name)?.text === text) delete next[name];
  else next[name] = text;
  return { ...draft, files: next };
}

/** The text of a file with the draft's changes. */
export function textOf(draft: Draft, files: readonly File[], name: string): string {
  const changed = draft.files[name];
  if (changed !== undefined) return changed ?? '';
  return files.find((file) => file.name === name)?.text ?? '';
}

/** All files with the draft's changes, by name; those that are to go are left out. */
export function present(draft: Draft, files: readonly File[]): string[] {
  const names = new Set([...files.map((file) => file.name), ...Object.keys(draft.files)]);
  return [...names].filter((name) => draft.files[name] !== null).sort();
}

/** Whether anything waits. */
export function isDirty(draft: Draft): boolean {
  return Object.keys(draft.files).length > 0;
}

const KEY = 'routing-draft';

/** What this person left here, if anything. */
export async function restore(): Promise<Draft | undefined> {
  const kept = await get(KEY);
  if (typeof kept !== 'object' || kept === null) return undefined;
  const { base, files, why } = kept as Partial<Draft>;
  const sound =
    typeof base === 'string' &&
    typeof files === 'object' &&
    files !== null &&
    typeof why === 'string';
  return sound ? { base, files, why } : undefined;
}

/** Keeps it for later. */
export function keep(draft: Draft): void {
  put(KEY, isDirty(draft) || draft.why !== '' ? draft : null);
}
