/** The SIP messages of a record, call by call, for those who look after the networks. */
import { useEffect, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { components } from '../../api/schema';
import { dateAndTime } from '../../clock';
import { Icon } from '../../components/icon';
import { inWords } from '../../components/toast';
import { bodyText } from './arrival';
import { r } from './words';

type Ladder = components['schemas']['Ladder'];

const moment = (at: string) => new Date(at).toISOString().slice(11, 23);

export function LadderOf({ id }: { id: string }) {
  const [ladder, setLadder] = useState<Ladder | null>(null);
  const [wrong, setWrong] = useState<string>();
  useEffect(() => {
    ask(api.GET('/api/v1/incidents/{id}/ladder', { params: { path: { id } } })).then(
      setLadder,
      (error) => setWrong(inWords(error)),
    );
  }, [id]);
  if (wrong) {
    return (
      <p class="error" role="alert">
        <Icon name="stop" /> {wrong}
      </p>
    );
  }
  if (!ladder) return null;
  const any = ladder.calls.some((call) => call.messages.length > 0);
  return (
    <>
      {!any && <p class="muted">{r('ladder.none')}</p>}
      {ladder.calls.map((call) => (
        <section
          key={call.call}
          class="card"
          aria-label={r('ladder.of', { at: dateAndTime(call.received_at), trunk: call.trunk })}
        >
          <h2>{r('ladder.of', { at: dateAndTime(call.received_at), trunk: call.trunk })}</h2>
          {!call.complete && <p class="band warn">{r('ladder.cut')}</p>}
          <ol class="ladder">
            {call.messages.map((message, n) => (
              <li key={n}>
                <details>
                  <summary>
                    <span class="mono">{moment(message.at)}</span> {message.from.role}{' '}
                    <span aria-hidden="true">→</span> {message.to.role}{' '}
                    <strong>{message.first_line}</strong>
                  </summary>
                  <p class="muted mono">
                    {message.transport} {message.from.address} → {message.to.address}
                  </p>
                  <pre class="raw">{bodyText(message.message as { text?: string })}</pre>
                </details>
              </li>
            ))}
          </ol>
        </section>
      ))}
    </>
  );
}
