/** A page that is older than the gateway loads itself anew, as soon as that disturbs nobody. */
import { computed, effect, signal } from '@preact/signals';
import { whenBuildIsTold } from './api/client';
import { me } from './session';

/** The build that this page began with; the first that the gateway names. */
let mine: string | null = null;
const theirs = signal<string | null>(null);

/** Whoever needs the page as it is holds it: a call, something unsaved. */
export const holds = signal(0);

whenBuildIsTold((build) => {
  mine ??= build;
  theirs.value = build;
});

/** The gateway has another build than this page. */
export const stale = computed(() => theirs.value !== null && theirs.value !== mine);

// A covered page is let alone: loaded anew it could not be the phone of its seat before somebody types
// their password, and nobody may be there.
effect(() => {
  if (stale.value && holds.value === 0 && !me.value?.locked) location.reload();
});
