/** A dialog over the page: the browser's own, so focus stays in it and Escape closes it. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { t } from '../messages';
import { Button } from './button';

interface Props {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  /** Buttons at its foot; a close button stands in its head. */
  foot?: ComponentChildren;
  wide?: boolean;
}

export function Dialog({ title, onClose, children, foot, wide }: Props) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide ? 'dialog wide' : 'dialog'}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        close.current();
      }}
    >
      <header class="dialog-head">
        <h2 id={id}>{title}</h2>
        <Button kind="quiet" icon="close" onPress={() => close.current()}>
          {t('action.close')}
        </Button>
      </header>
      <div class="dialog-body">{children}</div>
      {foot && <footer class="dialog-foot">{foot}</footer>}
    </dialog>
  );
}

/** A question before something that hurts. */
export function Confirm(props: {
  title: string;
  detail: ComponentChildren;
  /** What the button that does it says. */
  action?: string;
  onConfirm: () => void;
  onClose: () => void;
}) {
  const foot = (
    <>
      <Button onPress={props.onClose}>{t('action.cancel')}</Button>
      <Button
        kind="danger"
        onPress={() => {
          props.onClose();
          props.onConfirm();
        }}
      >
        {props.action ?? t('action.confirm')}
      </Button>
    </>
  );
  return (
    <Dialog title={props.title} onClose={props.onClose} foot={foot}>
      {props.detail}
    </Dialog>
  );
}
