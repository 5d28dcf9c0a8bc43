/** Calling out: the chain that is proposed for the call, and the one that runs, step by step. */
import { useId, useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import type { LiveCall, LiveChain, LiveStep, PlannedChain } from '../../api/types';
import { Badge, type Tone } from '../../components/badge';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { Timer } from '../../components/timer';
import { sayRefused } from '../../components/toast';
import { chains } from './callout';
import { maybe, w } from './words';

const TONES: Record<string, Tone> = {
  ringing: 'warn',
  answered: 'busy',
  taken: 'good',
  exhausted: 'bad',
  stopped: 'warn',
  waiting: 'plain',
};

/** Where a step stands: what its last number that was called says. */
function standing(step: LiveStep): string {
  if (!step.contact) return 'nobody_here';
  const called = step.numbers.filter((number) => number.state !== 'waiting');
  return called.at(-1)?.state ?? 'waiting';
}

function Step({ step }: { step: LiveStep }) {
  const state = standing(step);
  const now = step.numbers.find((number) => ['ringing', 'answered'].includes(number.state));
  return (
    <li class="chain-step" aria-current={now ? 'step' : undefined}>
      <span class="chain-who">
        <strong>{step.full_name || step.role}</strong>
        {step.agency && <span class="muted"> {step.agency}</span>}
        {step.note && <span class="muted chain-note">{step.note}</span>}
      </span>
      <Badge tone={TONES[state] ?? 'plain'}>{maybe('chain', state)}</Badge>
      <span class="muted mono chain-numbers">
        {step.numbers.map((number) => (
          <span key={number.to}>
            {number.to}
            {number !== now && number.state !== 'waiting' && ` (${maybe('chain', number.state)})`}
            {number === now && number.began_at && (
              <>
                {' '}
                <Timer since={number.answered_at ?? number.began_at} />
              </>
            )}
          </span>
        ))}
      </span>
    </li>
  );
}

/** What is to be done now, in one line. */
function line(chain: LiveChain): string {
  const taken = chain.steps.find((step) => step.numbers.some((it) => it.state === 'taken'));
  const by = chain.steps.find((step) => ['ringing', 'answered'].includes(standing(step)));
  const name = (taken ?? by)?.full_name ?? '';
  if (chain.state === 'stopped' && chain.why) return w('chain.line.cut');
  if (chain.state === 'ringing') return w('chain.line.ringing', { name });
  if (chain.state === 'answered') return w('chain.line.answered', { name });
  if (chain.state === 'taken') return w('chain.line.taken', { name });
  return chain.state === 'exhausted' ? w('chain.line.exhausted') : w('chain.line.stopped');
}

const LOUD: Record<string, string> = { exhausted: 'band bad', stopped: 'band warn' };

function Running({ call, chain }: { call: LiveCall; chain: LiveChain }) {
  const params = { path: { id: call.id } };
  const run = (what: Promise<unknown>) => what.catch(sayRefused);
  const on = chain.state === 'ringing' || chain.state === 'answered';
  return (
    <>
      <p class="chain-title">
        <strong>{chain.title}</strong>{' '}
        <Badge tone={TONES[chain.state] ?? 'plain'}>{maybe('chain', chain.state)}</Badge>
      </p>
      <p class={LOUD[chain.state] ?? ''} role="status">
        {line(chain)}
      </p>
      <ol class="chain">
        {chain.steps.map((step, at) => (
          // The order of a chain that runs never changes.
          <Step key={step.contact ?? at} step={step} />
        ))}
      </ol>
      {on && (
        <div class="row">
          <Button
            kind="go"
            size="large"
            icon="check"
            disabled={chain.state !== 'answered'}
            onPress={() => run(ask(api.POST('/api/v1/calls/{id}/chain/taken', { params })))}
          >
            {w('chain.do.taken')}
          </Button>
          <Button
            size="large"
            icon="phone"
            onPress={() => run(ask(api.POST('/api/v1/calls/{id}/chain/next', { params })))}
          >
            {w('chain.do.next')}
          </Button>
          <Button
            kind="danger"
            icon="close"
            onPress={() => run(ask(api.POST('/api/v1/calls/{id}/chain/stop', { params })))}
          >
            {w('chain.do.stop')}
          </Button>
        </div>
      )}
    </>
  );
}

/** Whom a chain would call, in one line. */
function people(chain: PlannedChain): string {
  const name = (step: PlannedChain['steps'][number]) =>
    step.contact?.full_name ?? w('chain.nobody', { role: step.role ?? '' });
  return chain.steps.map(name).join(' → ');
}

function begin(call: LiveCall, chain: PlannedChain, kecamatan: string | null | undefined) {
  const params = { path: { id: call.id, name: chain.name } };
  const body = kecamatan ? { kecamatan } : {};
  return ask(api.POST('/api/v1/calls/{id}/chains/{name}', { params, body })).catch(sayRefused);
}

function All({ call, onClose }: { call: LiveCall; onClose: () => void }) {
  const known = chains.value;
  return (
    <Dialog title={w('chain.all')} onClose={onClose}>
      <ul class="list">
        {(known?.chains ?? []).map((chain) => (
          <li key={chain.name}>
            <div class="list-main">
              <strong>{chain.title}</strong>
              <p class="muted">{people(chain)}</p>
            </div>
            <Button
              icon="phone"
              label={w('chain.begin', { title: chain.title })}
              onPress={() => begin(call, chain, known?.kecamatan).then(onClose)}
            >
              {w('chain.do.begin')}
            </Button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

export function Chain({ call }: { call: LiveCall }) {
  const id = useId();
  const [all, setAll] = useState(false);
  const known = chains.value;
  const chain = call.chain;
  const on = chain && (chain.state === 'ringing' || chain.state === 'answered');
  const proposed = (known?.chains ?? []).filter((it) => it.proposed);
  if (!chain && !known?.chains.length) return null;
  return (
    <section class="chains" aria-labelledby={id}>
      <h3 id={id}>{w('chain.title')}</h3>
      {call.flags.includes('caller-left') && (
        <p class="band warn" role="status">
          {w('chain.caller_left')}
        </p>
      )}
      {chain && <Running call={call} chain={chain} />}
      {!on && (
        <>
          {proposed.slice(0, 2).map((it, at) => (
            <div class="chain-proposed" key={it.name}>
              <Button
                kind={at === 0 && !chain ? 'primary' : 'plain'}
                icon="people"
                onPress={() => begin(call, it, known?.kecamatan)}
              >
                {w('chain.begin', { title: it.title })}
              </Button>
              <p class="muted">{people(it)}</p>
            </div>
          ))}
          {(known?.chains.length ?? 0) > Math.min(proposed.length, 2) && (
            <Button kind="quiet" onPress={() => setAll(true)}>
              {w('chain.others')}
            </Button>
          )}
        </>
      )}
      {all && <All call={call} onClose={() => setAll(false)} />}
    </section>
  );
}
