/** Headset check: is the microphone heard, is the speaker heard, how does the ring sound. */
import { useEffect, useState } from 'preact/hooks';
import { Badge } from '../../components/badge';
import { Button } from '../../components/button';
import { Dialog } from '../../components/dialog';
import { Field, SelectField } from '../../components/field';
import { Icon } from '../../components/icon';
import { chooseMicrophone, chooseSpeaker, microphone, noMicrophone, speaker } from './phone';
import { allow, ringOnce, setVolume, testTone, volume } from './ring';
import { w } from './words';

/** Loudness from which on somebody speaks, of 100. */
const SPEAKS = 6;

function useLevel(device: string) {
  const [level, setLevel] = useState(0);
  const [heard, setHeard] = useState(false);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let over = false;
    let stream: MediaStream | null = null;
    let timer: number | undefined;
    const context = new AudioContext();
    setFailed(false);
    navigator.mediaDevices
      .getUserMedia({ audio: device ? { deviceId: { ideal: device } } : true })
      .then((given) => {
        if (over) {
          for (const track of given.getTracks()) track.stop();
          return;
        }
        stream = given;
        const ear = context.createAnalyser();
        context.createMediaStreamSource(given).connect(ear);
        const samples = new Float32Array(ear.fftSize);
        timer = window.setInterval(() => {
          ear.getFloatTimeDomainData(samples);
          const loud = Math.max(...samples.map(Math.abs)) * 100;
          setLevel(Math.min(100, Math.round(loud)));
          if (loud > SPEAKS) {
            setHeard(true);
            noMicrophone.value = false;
          }
        }, 100);
      })
      .catch(() => over || setFailed(true));
    return () => {
      over = true;
      window.clearInterval(timer);
      for (const track of stream?.getTracks() ?? []) track.stop();
      context.close();
    };
  }, [device]);
  return { level, heard, failed };
}

interface Devices {
  inputs: MediaDeviceInfo[];
  outputs: MediaDeviceInfo[];
}

export function HeadsetCheck({ onClose }: { onClose: () => void }) {
  const { level, heard, failed } = useLevel(microphone.value);
  const [devices, setDevices] = useState<Devices>({ inputs: [], outputs: [] });
  useEffect(() => {
    // Their names are told once the microphone is given.
    navigator.mediaDevices
      ?.enumerateDevices()
      .then((all) =>
        setDevices({
          inputs: all.filter((one) => one.kind === 'audioinput' && one.deviceId),
          outputs: all.filter((one) => one.kind === 'audiooutput' && one.deviceId),
        }),
      )
      .catch(() => {});
  }, [heard]);
  const listed = (all: MediaDeviceInfo[]) => [
    { value: '', label: w('check.default') },
    ...all.map((one) => ({ value: one.deviceId, label: one.label || one.deviceId.slice(0, 8) })),
  ];
  return (
    <Dialog title={w('check.title')} onClose={onClose}>
      <SelectField
        label={w('check.microphone')}
        value={microphone.value}
        choices={listed(devices.inputs)}
        onInput={chooseMicrophone}
      />
      {failed ? (
        <p class="error" role="alert">
          <Icon name="stop" /> {w('check.no_microphone')}
        </p>
      ) : (
        <div class="level">
          <Field label={w('check.level')}>
            {({ id }) => <meter id={id} min={0} max={100} low={SPEAKS} value={level} />}
          </Field>
          <div role="status">
            <Badge tone={heard ? 'good' : 'plain'} icon={heard ? 'check' : 'mic'}>
              {heard ? w('check.heard') : w('check.silent')}
            </Badge>
          </div>
        </div>
      )}
      <SelectField
        label={w('check.speaker')}
        value={speaker.value}
        choices={listed(devices.outputs)}
        onInput={chooseSpeaker}
      />
      <Field label={`${w('check.volume')}: ${volume.value} %`}>
        {(given) => (
          <input
            {...given}
            type="range"
            min={10}
            max={100}
            step={10}
            value={volume.value}
            onInput={(event) => setVolume(Number(event.currentTarget.value))}
          />
        )}
      </Field>
      <div class="row">
        <Button icon="speaker" onPress={testTone}>
          {w('check.tone')}
        </Button>
        <Button
          icon="bell"
          onPress={() => {
            allow();
            ringOnce();
          }}
        >
          {w('check.ring')}
        </Button>
      </div>
    </Dialog>
  );
}
