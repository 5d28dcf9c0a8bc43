// What an admin has changed and not yet applied. It lives in the browser's storage too, so that neither a reload nor a
// session that ran out loses what was typed; it holds no secret, for the gateway shows none (`***`).

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

const key = (person: string) => `siaga112.routing-draft.${person}`;

/** What this person left here, if anything. */
export function restore(person: string): Draft | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key(person)) ?? 'null');
    if (typeof kept !== 'object' || kept === null) return undefined;
    const { base, files, why } = kept as Partial<Draft>;
    const sound =
      typeof base === 'string' &&
      typeof files === 'object' &&
      files !== null &&
      typeof why === 'string';
    return sound ? { base, files, why } : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps it for later; a full or forbidden storage costs nothing but the safety. */
export function keep(person: string, draft: Draft): void {
  try {
    if (isDirty(draft) || draft.why !== '')
      localStorage.setItem(key(person), JSON.stringify(draft));
    else localStorage.removeItem(key(person));
  } catch {
    // The page itself still has it.
  }
}
