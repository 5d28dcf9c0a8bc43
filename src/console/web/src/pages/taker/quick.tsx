/** One press for what is no emergency: the kind is noted and the record closed; it can be undone. */
import { useId, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import { Button } from '../../components/button';
import { say, sayRefused } from '../../components/toast';
import { disposition, t } from '../../messages';
import { close, draft, obstacle, putIn, reopen, saved } from './draft';
import { showField } from './form';
import { w } from './words';

const KINDS = [
  ['ghost', '1'],
  ['prank', '2'],
  ['information', '3'],
  ['misrouted', '4'],
] as const;

type Kind = (typeof KINDS)[number][0];

export function QuickClose() {
  const id = useId();
  const [busy, setBusy] = useState(false);
  const of = draft.value;
  const shut = of?.record?.state !== 'open';
  const quick = async (kind: Kind) => {
    if (!of) return;
    // Nothing is judged of a record that cannot be closed: a field of it has to be looked at first.
    const first = obstacle();
    if (first) return showField(first);
    const incident = of.incident;
    const before = saved(of, 'disposition');
    setBusy(true);
    try {
      await ask(
        api.POST('/api/v1/incidents/{id}/disposition', {
          params: { path: { id: incident } },
          body: { disposition: kind, version: of.record?.version ?? null },
        }),
      );
      const refused = await close();
      if (refused) return showField(refused);
      // Also when the form of the next call is shown by then.
      const undo = async () => {
        try {
          await reopen(w('quick.undo_why'), incident);
          await putIn(incident, 'disposition', before);
          say(w('quick.undone'), 'good');
        } catch (error) {
          sayRefused(error);
        }
      };
      say(w('quick.done', { what: disposition(kind) }), 'good', {
        ms: 20000,
        action: { label: t('action.undo'), run: undo },
      });
    } catch (error) {
      sayRefused(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <section class="card quick" aria-labelledby={id}>
      <h2 id={id}>{w('quick')}</h2>
      <div class="row">
        {KINDS.map(([kind, key]) => (
          <Button key={kind} keys={key} disabled={shut} busy={busy} onPress={() => quick(kind)}>
            {w(`quick.${kind}`)}
          </Button>
        ))}
      </div>
    </section>
  );
}
