/** Time since a moment, or until one, counted by the gateway's clock. */
import { now, secondsSince, span } from '../clock';

export function Timer({ since }: { since: string | number }) {
  return (
    <span class="timer" role="timer" aria-live="off">
      {span(secondsSince(since))}
    </span>
  );
}

export function Countdown({ until }: { until: string | number }) {
  const at = typeof until === 'number' ? until : Date.parse(until);
  const left = Math.max(0, Math.ceil((at - now.value) / 1000));
  return (
    <span class="timer" role="timer" aria-live="off">
      {span(left)}
    </span>
  );
}
