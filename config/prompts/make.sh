#!/bin/sh
# Makes the sample prompts from the table in README.md, and the music.
# Needs espeak-ng, sox (with MP3) and opusenc. Usage: config/prompts/make.sh
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# $1: a WAV file, $2: what to write, by its ending.
write() {
    case $2 in
    *.opus) opusenc --quiet --bitrate 16 --serial 112 --discard-comments "$1" "$2" ;;
    *.mp3) sox "$1" -C 24 "$2" ;;
    *) sox "$1" "$2" ;;
    esac
}

# Speech: the band of a telephone, silence cut off at both ends, peaks at -6 dB.
grep '^| `' README.md | while IFS='|' read -r _ file text _; do
    file=$(echo "$file" | tr -d '` ')
    voice=${file%%/*}
    [ "$voice" = en ] || voice=id
    mkdir -p "$(dirname "$file")"
    echo "$text" | espeak-ng -v "$voice" -s 140 -w "$work/speech.wav"
    # -R: the same dither each time.
    sox -R "$work/speech.wav" -r 8000 -b 16 -c 1 "$work/prompt.wav" gain -3 highpass 200 \
        silence 1 0.01 0.5% reverse silence 1 0.01 0.5% reverse norm -6 pad 0.05 0.15
    write "$work/prompt.wav" "$file"
done

# Music: bell tones that fade for longer than they are apart. What rings beyond the end rings into the
# beginning, so the loop has no seam. 32 beats of 0.9 s.
awk 'BEGIN {
    rate = 8000; beat = 0.9; turn = 6.283185307
    split("0 4 7 12 9 7 4 2 0 7 4 9 12 9 7 4 -3 4 0 9 7 4 2 0 -5 2 7 11 9 7 4 2", melody, " ")
    beats = 32; length_ = int(beats * beat * rate)
    for (n = 1; n <= beats; n++) {
        hertz = 392 * 2 ^ (melody[n] / 12)
        bass = (n % 4 == 1) ? 196 * 2 ^ ((melody[n] % 12) / 12) : 0
        start = int((n - 1) * beat * rate)
        for (i = 0; i < 3.2 * rate; i++) {
            t = i / rate
            rise = (t < 0.03) ? t / 0.03 : 1
            loud = rise * exp(-t * 1.6) * ((t > 3) ? (3.2 - t) / 0.2 : 1)
            value = sin(turn * hertz * t) + 0.25 * exp(-t * 2) * sin(turn * 2 * hertz * t)
            if (bass) value += 0.8 * sin(turn * bass * t)
            sum[(start + i) % length_] += loud * value
        }
    }
    print "; Sample Rate " rate; print "; Channels 1"
    for (i = 0; i < length_; i++) print i / rate, sum[i] / 4
}' > "$work/music.dat"
sox -R "$work/music.dat" -b 16 "$work/music.wav" norm -14
write "$work/music.wav" musik.opus
