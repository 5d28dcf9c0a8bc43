/** A state: an icon and a word; the colour only repeats what they say. */
import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon';

export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'busy';

const ICONS: Record<Tone, IconName> = {
  plain: 'info',
  good: 'check',
  warn: 'warn',
  bad: 'stop',
  busy: 'phone',
};

interface Props {
  tone?: Tone;
  icon?: IconName | undefined;
  children: ComponentChildren;
}

export function Badge({ tone = 'plain', icon, children }: Props) {
  return (
    <span class={`badge ${tone}`}>
      <Icon name={icon ?? ICONS[tone]} />
      <span>{children}</span>
    </span>
  );
}

/** The tone of a seat's state. */
export function seatTone(state: string): Tone {
  if (state === 'ready') return 'good';
  if (state === 'talking' || state === 'engaged') return 'busy';
  if (state === 'ringing' || state === 'offered' || state === 'hold') return 'warn';
  return 'plain';
}
