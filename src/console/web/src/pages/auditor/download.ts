/** Saves an answer of the gateway as a file. The reason goes in a header, so that it stands in no address. */
import { Refused } from '../../api/client';
import type { Problem } from '../../api/types';

/**
 * Fetches and saves, with a body by POST; a refusal is thrown as {@link Refused} and saves nothing. The
 * name is the gateway's where it gives one.
 */
export async function download(
  url: string,
  name: string,
  { reason, body }: { reason?: string; body?: unknown } = {},
): Promise<void> {
  const headers: Record<string, string> = { 'x-siaga112': '1' };
  if (reason) headers['siaga112-reason'] = encodeURIComponent(reason);
  if (body !== undefined) headers['content-type'] = 'application/json';
  const asked: RequestInit = { headers, credentials: 'same-origin' };
  if (body !== undefined) Object.assign(asked, { method: 'POST', body: JSON.stringify(body) });
  const answer = await fetch(url, asked).catch(() => {
    throw new Refused(0, null);
  });
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => null)) as Problem | null;
    throw new Refused(answer.status, problem);
  }
  const given = /filename="([^"/]+)"/.exec(answer.headers.get('content-disposition') ?? '');
  save(await answer.blob(), given?.[1] ?? name);
}

/** Hands a file to the person. */
export function save(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
