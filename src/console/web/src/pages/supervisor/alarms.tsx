/** Alarms of the gateway on the wall board: those that nobody has seen first. */
import { api, ask } from '../../api/client';

import { dateAndTime } from '../../clock';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { sayRefused } from '../../components/toast';
import { alarms } from '../../live/store';
import { said } from '../../messages/said';
import { me } from '../../session';
import { alarmWords } from './alarm_words';
import { w } from './words';

const maySee = () => me.value?.role === 'supervisor' || me.value?.role === 'admin';

export function Alarms() {
  const shown = alarms.value;
  // With the time that was shown: one that came after it is not taken as seen.
  const see = (id: string, last_at: string) =>
    ask(
      api.POST('/api/v1/alarms/{id}/seen', { params: { path: { id } }, body: { last_at } }),
    ).catch(sayRefused);
  const open = shown.filter((alarm) => !alarm.seen_by);
  return (
    <section class="card" aria-labelledby="alarms">
      <h2 id="alarms">
        {w('alarms')} <span class="count">{open.length}</span>
      </h2>
      <div role="status">
        {shown.length === 0 && <Badge tone="good">{w('no_alarms')}</Badge>}
        <ul class="list">
          {[...open, ...shown.filter((alarm) => alarm.seen_by)].map((alarm) => (
            <li key={alarm.id} class="alarm">
              <div class="row">
                <Badge tone={alarm.seen_by ? 'plain' : alarm.standing ? 'bad' : 'warn'}>
                  {alarmWords(alarm.id)}
                  {alarm.count > 1 && ` × ${alarm.count}`}
                </Badge>
                <span class="muted">{dateAndTime(alarm.last_at)}</span>
              </div>
              <p>
                <code>{alarm.id}</code> {said(alarm.detail)}
              </p>
              {alarm.seen_by && <p class="muted">{w('seen_by', { name: alarm.seen_by })}</p>}
              {!alarm.seen_by && !alarm.standing && maySee() && (
                <Button
                  label={`${w('seen')}: ${alarmWords(alarm.id)}`}
                  onPress={() => see(alarm.id, alarm.last_at)}
                >
                  {w('seen')}
                </Button>
              )}
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
