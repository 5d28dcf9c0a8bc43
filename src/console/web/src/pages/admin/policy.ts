/** The configuration of routing as this page has it: the gateway's files, what was changed here, what is wrong. */
import { effect, signal } from '@preact/signals';
import { api, ask, Refused } from '../../api/client';
import type { components } from '../../api/schema';
import { me } from '../../session';
import { type Draft, edited, emptyDraft, isDirty, keep, restore, textOf } from './draft';
import type { Finding } from './findings';

type Schemas = components['schemas'];
export type Shown = Schemas['Shown'];
export type Whole = Schemas['WholeVersion'];

export const shown = signal<Shown | null>(null);
export const draft = signal<Draft>(emptyDraft(''));
export const findings = signal<Finding[]>([]);
/** The findings are not of the newest text yet. */
export const judging = signal(false);
/** What others adopted since the draft was begun, newest first; empty while nobody has. */
export const theirs = signal<Whole[]>([]);
/** The draft was found in this browser. */
export const restored = signal(false);
/** The draft was made on other files than those of now, and nobody has looked at that yet. */
export const moved = signal(false);

/** How long typing must rest before the gateway is asked. */
const REST_MS = 400;
/** So many versions of others are shown. */
const SHOWN_VERSIONS = 5;

/** Reads the files; what was changed here stays. */
export async function load(): Promise<void> {
  const files = await ask(api.GET('/api/v1/routing'));
  // The draft before the files: what is kept is kept from the moment on that there are files.
  if (shown.value === null) {
    const kept = await restore();
    restored.value = kept !== undefined && isDirty(kept);
    draft.value = kept ?? emptyDraft(files.digest);
  }
  shown.value = files;
  if (!isDirty(draft.value)) draft.value = { ...draft.value, base: files.digest };
  else if (draft.value.base !== files.digest) await meet();
  judge();
}

/** Looks at what others adopted since the draft was begun. */
async function meet(): Promise<void> {
  moved.value = true;
  const { versions } = await ask(api.GET('/api/v1/routing/versions'));
  const since = versions.findIndex((version) => version.digest === draft.value.base);
  const newer = versions.slice(0, since < 0 ? SHOWN_VERSIONS : Math.min(since, SHOWN_VERSIONS));
  theirs.value = await Promise.all(
    newer.map(({ number }) =>
      ask(api.GET('/api/v1/routing/versions/{number}', { params: { path: { number } } })),
    ),
  );
}

/** Changes a file here. */
export function change(name: string, text: string | null): void {
  const files = shown.value?.files ?? [];
  draft.value = edited(draft.value, files, name, text);
  judge();
}

export const text = (name: string): string => textOf(draft.value, shown.value?.files ?? [], name);

/** The draft counts for the files of now. */
export function goOn(): void {
  if (shown.value) draft.value = { ...draft.value, base: shown.value.digest };
  moved.value = false;
  theirs.value = [];
}

/** Files that both sides have changed. */
export const both = (): string[] => {
  const changed = theirs.value.flatMap((version) => version.changed.map(({ name }) => name));
  return Object.keys(draft.value.files).filter((name) => changed.includes(name));
};

/** Forgets what was changed here. */
export function discard(): void {
  draft.value = emptyDraft(shown.value?.digest ?? '');
  moved.value = false;
  theirs.value = [];
  restored.value = false;
  judge();
}

let waiting: number | undefined;
let asked = 0;

/** Asks the gateway about the draft, once typing rests; an older answer never takes the place of a newer. */
function judge(): void {
  window.clearTimeout(waiting);
  asked += 1;
  const mine = asked;
  judging.value = true;
  waiting = window.setTimeout(async () => {
    try {
      const judged = await ask(
        api.POST('/api/v1/routing/validate', { body: { files: draft.value.files } }),
      );
      if (mine === asked) findings.value = judged.findings;
    } catch (error) {
      // A session that ran out asks for itself; anything else leaves the findings as they were.
      if (!(error instanceof Refused)) throw error;
    } finally {
      if (mine === asked) judging.value = false;
    }
  }, REST_MS);
}

/** Adopts the draft. A refusal with findings leaves them at their places; one for another's change shows that. */
export async function apply(): Promise<number> {
  const { base, files, why } = draft.value;
  try {
    const done = await ask(api.PUT('/api/v1/routing', { body: { base, files, why: why.trim() } }));
    draft.value = emptyDraft(done.digest);
    restored.value = false;
    await load();
    return done.version;
  } catch (error) {
    if (error instanceof Refused && error.problem?.findings?.length) {
      findings.value = error.problem.findings;
    }
    if (error instanceof Refused && error.status === 409) await load();
    throw error;
  }
}

effect(() => {
  if (me.value && shown.value) keep(draft.value);
});

// Another person's page begins anew.
effect(() => {
  if (me.value === null) {
    shown.value = null;
    draft.value = emptyDraft('');
    findings.value = [];
    theirs.value = [];
    moved.value = false;
  }
});
