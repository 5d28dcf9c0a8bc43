/** The call taker's page: one call, its form, and who comes next. */
import { useEffect } from 'preact/hooks';
import { holds } from '../../build';
import { sayRefused } from '../../components/toast';
import { known } from '../../live/store';
import { t } from '../../messages';
import { CallCard } from './call_card';
import { Caller } from './caller';
import { readChoices } from './choices';
import { Form } from './form';
import { Lists } from './lists';
import { talk } from './phone';
import { QuickClose } from './quick';
import { startRinging, stopRinging } from './ring';
import { callPage, myCall, mySeat, rings } from './seat';
import { ChooseSeat, SeatBar } from './seat_bar';
import { w } from './words';
import './taker.css';

export default function Taker() {
  useEffect(() => {
    readChoices().catch(sayRefused);
  }, []);
  const ringing =
    rings.value || (talk.value?.state === 'ringing' && talk.value.direction === 'incoming');
  useEffect(() => {
    if (ringing) startRinging(w('ringing'));
    return stopRinging;
  }, [ringing]);
  const busy = Boolean(talk.value) || ringing;
  useEffect(() => {
    if (!busy) return;
    holds.value += 1;
    return () => {
      holds.value -= 1;
    };
  }, [busy]);
  if (!known.value) return <p>{t('app.loading')}</p>;
  if (!mySeat.value) return <ChooseSeat />;
  const call = myCall.value;
  const page = callPage.value?.id === call?.id ? callPage.value : null;
  return (
    <>
      <h1 class="hidden">{w('title')}</h1>
      <SeatBar />
      <div class="taker">
        <div class="taker-call">
          <CallCard call={call} />
          <QuickClose />
          <Caller call={call} page={page} />
        </div>
        <Form />
        <Lists />
      </div>
    </>
  );
}
