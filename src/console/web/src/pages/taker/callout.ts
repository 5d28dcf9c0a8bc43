/** Who can be called out: contacts, and the chains of my call. Read from the gateway, kept nowhere. */
import { computed, effect, signal } from '@preact/signals';
import { api, ask } from '../../api/client';
import type { CallChains, ListedContact } from '../../api/types';
import { draft, shown } from './draft';
import { myCall } from './seat';

export const contacts = signal<ListedContact[]>([]);

export async function readContacts(): Promise<void> {
  contacts.value = (await ask(api.GET('/api/v1/contacts'))).contacts;
}

/** The contacts that every word of a search stands in: name, agency, role, kecamatan, note, number. */
export function found(all: ListedContact[], search: string): ListedContact[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (one: ListedContact) =>
    [
      one.full_name,
      one.agency ?? '',
      one.role ?? '',
      one.note,
      ...one.kecamatan.flatMap((place) => [place.name, place.code]),
      ...one.numbers,
    ]
      .join(' ')
      .toLowerCase();
  return all.filter((one) => words.every((word) => text(one).includes(word)));
}

/** The chains of my call; null until they are read, or while I talk in none. */
export const chains = signal<CallChains | null>(null);

/** What decides which chains are proposed: the call, and what the form says of it. */
const asked = computed(() => {
  const call = myCall.value;
  if (call?.state !== 'talking') return null;
  const form = draft.value?.incident === call.incident ? draft.value : null;
  const code = (field: string) => {
    const value = form ? shown(form, field) : null;
    return typeof value === 'string' ? value : '';
  };
  const kecamatan = code('kecamatan') || (call.place.kecamatan?.code ?? '');
  return JSON.stringify([call.id, code('category'), kecamatan]);
});

effect(() => {
  const key = asked.value;
  if (!key) {
    chains.value = null;
    return;
  }
  const [id, category, kecamatan] = JSON.parse(key) as [string, string, string];
  const query = { ...(category && { category }), ...(kecamatan && { kecamatan }) };
  ask(api.GET('/api/v1/calls/{id}/chains', { params: { path: { id }, query } })).then(
    (read) => {
      if (asked.peek() === key) chains.value = read;
    },
    // The call may be over by now; the card says so.
    () => {},
  );
});
