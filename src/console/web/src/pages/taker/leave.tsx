/** Leaving: first everything that was written is saved; where that cannot be, a person is told and decides. */
import { signal } from '@preact/signals';
import { Confirm } from '../../components/dialog';
import { sayRefused } from '../../components/toast';
import { signOut } from '../../session';
import { keeps } from '../../vault';
import { saveAll, unsavedNow } from './draft';
import { f } from './form_words';

/** How many forms the gateway has not got whole; null: nobody is asked. */
const unsaved = signal<number | null>(null);
/** A gateway that does not answer keeps nobody at the desk. */
const PATIENCE_MS = 4000;

/** Saves, and signs out when nothing is left behind. */
export async function leave(): Promise<void> {
  const late = new Promise<number>((tell) => setTimeout(() => tell(unsavedNow()), PATIENCE_MS));
  const n = await Promise.race([saveAll(), late]);
  if (n > 0) unsaved.value = n;
  else await signOut();
}

export function Leaving() {
  const n = unsaved.value;
  if (n === null) return null;
  return (
    <Confirm
      title={f('leave.title')}
      detail={<p>{f(keeps.value ? 'leave.detail' : 'leave.detail_lost', { n })}</p>}
      action={f('leave.anyway')}
      onClose={() => {
        unsaved.value = null;
      }}
      onConfirm={() => signOut().catch(sayRefused)}
    />
  );
}
