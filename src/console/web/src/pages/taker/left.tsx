/** Forms that are not shown and not saved yet: told above every page, with a way to each. */
import { Button } from '../../components/button';
import { Icon } from '../../components/icon';
import { navigate } from '../../router';
import { me } from '../../session';
import { left } from './draft';
import { f } from './form_words';
import { open } from './opened';

/** Call takers write at their desk, everybody else at the page of records. */
function go(incident: string): void {
  if (me.peek()?.role === 'call-taker') {
    open(incident);
    navigate('/taker');
  } else navigate(`/records/${incident}`);
}

export function LeftForms() {
  const all = left.value;
  if (all.length === 0) return null;
  return (
    <div class="band warn" role="status">
      <Icon name="warn" />
      <span>{f('left.title', { n: all.length })}</span>
      {all.slice(0, 4).map(({ incident }) => (
        <Button key={incident} onPress={() => go(incident)}>
          {f('left.open', { incident })}
        </Button>
      ))}
    </div>
  );
}
