/** Saves an answer of the gateway as a file. The reason goes in a header, so that it stands in no address. */
import { Refused } from '../../api/client';
import type { Problem } from '../../api/types';

/** Fetches and saves; a refusal is thrown as {@link Refused} and saves nothing. */
export async function download(url: string, name: string, reason?: string): Promise<void> {
  const headers: Record<string, string> = { 'x-siaga112': '1' };
  if (reason) headers['siaga112-reason'] = encodeURIComponent(reason);
  const answer = await fetch(url, { headers, credentials: 'same-origin' }).catch(() => {
    throw new Refused(0, null);
  });
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => null)) as Problem | null;
    throw new Refused(answer.status, problem);
  }
  save(await answer.blob(), name);
}

/** Hands a file to the person. */
export function save(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
