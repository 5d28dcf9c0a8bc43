/** How old a state is now: it was told in whole seconds, and counts on from then by the gateway's clock. */
import { secondsSince } from '../../clock';
import { toldAt } from '../../live/store';

export function ageOf(one: { id: string; seconds: number }): number {
  const told = toldAt.get(one.id);
  return one.seconds + (told === undefined ? 0 : secondsSince(told));
}
