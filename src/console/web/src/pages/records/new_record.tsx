/** A record without a call: somebody came, or told it by radio. Its form goes on at the record's page. */
import { useState } from 'preact/hooks';
import { api, ask } from '../../api/client';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { SelectField, TextArea } from '../../components/field';
import { inWords } from '../../components/toast';
import { navigate } from '../../router';
import { choices } from '../taker/choices';
import { either, w } from '../taker/words';
import { originName, r } from './words';

const ORIGINS = ['walk-in', 'radio', 'message', 'referral', 'cap', 'other'] as const;

export function NewRecord({ onClose }: { onClose: () => void }) {
  const [origin, setOrigin] = useState<string>('walk-in');
  const [text, setText] = useState('');
  const [category, setCategory] = useState('');
  const [wrong, setWrong] = useState<string>();
  const [busy, setBusy] = useState(false);
  const make = async () => {
    if (!text.trim()) {
      setWrong(r('new.text_needed'));
      return;
    }
    setBusy(true);
    try {
      const body = { origin, text: text.trim(), ...(category ? { category } : {}) };
      const made = await ask(api.POST('/api/v1/incidents', { body }));
      onClose();
      navigate(`/records/${made.incident}`);
    } catch (error) {
      setWrong(inWords(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={r('new.title')}
      onClose={onClose}
      foot={
        <Button kind="primary" busy={busy} onPress={make}>
          {r('new.make')}
        </Button>
      }
    >
      <SelectField
        label={r('new.origin')}
        value={origin}
        onInput={setOrigin}
        choices={ORIGINS.map((value) => ({ value, label: originName(value) }))}
      />
      <SelectField
        label={r('category')}
        value={category}
        onInput={setCategory}
        choices={[
          { value: '', label: w('form.choose') },
          ...(choices.value?.categories ?? []).map((one) => ({
            value: one.code,
            label: either(one.name, one.name_en),
          })),
        ]}
      />
      <TextArea
        label={r('new.text')}
        value={text}
        autofocus
        error={wrong}
        onInput={(typed) => {
          setText(typed);
          setWrong(undefined);
        }}
      />
    </Dialog>
  );
}
