/** What may be chosen in the form: read once, and kept in this browser for when the gateway is away. */
import { signal } from '@preact/signals';
import { api, ask } from '../../api/client';
import { read, write } from '../../kept';

interface Named {
  code: string;
  name: string;
  name_en: string;
}

export interface Choices {
  categories: (Named & { sub: Named[]; agencies: string[]; services: string[] })[];
  kecamatan: { code: string; name: string }[];
  dispositions: string[];
}

function kept(): Choices | null {
  try {
    return JSON.parse(read('choices') ?? 'null') as Choices | null;
  } catch {
    return null;
  }
}

export const choices = signal<Choices | null>(kept());

/** Reads them anew. */
export async function readChoices(): Promise<void> {
  const told = (await ask(api.GET('/api/v1/categories'))) as unknown as Choices;
  choices.value = told;
  write('choices', JSON.stringify(told));
}
