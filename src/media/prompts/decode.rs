//! WAV, Ogg Opus and MP3 to linear samples of one channel. Knows no telephone and no folder.

use std::io::Cursor;

use opus_rs::OpusDecoder;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3, CODEC_ID_OPUS, CODEC_ID_PCM_ALAW, CODEC_ID_PCM_MULAW,
    CODEC_ID_PCM_S16LE,
};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use super::{PromptMistake, PromptSource};
use crate::vocabulary::limits;

/// Opus is decoded at its own rate.
const OPUS_RATE: u32 = 48_000;
/// The longest Opus packet, samples of one channel: 120 ms (RFC 6716 §3.1).
const OPUS_PACKET: usize = 5_760;

/// The samples of a file (full scale is 1) mixed into one channel, and what they were read from.
pub(super) fn decode(file: Vec<u8>) -> Result<(Vec<f32>, PromptSource), PromptMistake> {
    if file.is_empty() {
        return Err(PromptMistake::Empty);
    }
    let stream =
        MediaSourceStream::new(Box::new(Cursor::new(file)), MediaSourceStreamOptions::default());
    let (format, metadata) = (FormatOptions::default(), MetadataOptions::default());
    let mut reader = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, format, metadata)
        .map_err(said)?;
    let track = reader.default_track(TrackType::Audio).ok_or(PromptMistake::Empty)?;
    let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
        return Err(PromptMistake::Empty);
    };
    let rate = parameters.sample_rate.ok_or(PromptMistake::Rate(0))?;
    let codec = codec(parameters);
    let channels = parameters.channels.as_ref().map_or(1, |channels| channels.count());
    let source = PromptSource { codec, rate, channels };
    let (id, mut decoder) = (track.id, Decoder::new(parameters, track.delay.unwrap_or_default())?);
    let mut samples = Vec::new();
    let most = limits::PROMPT_LENGTH.as_secs().saturating_mul(rate.into());
    while let Some(packet) = next(reader.as_mut())? {
        if packet.track_id == id {
            decoder.decode(&packet, &mut samples)?;
        }
        if samples.len() as u64 > most {
            return Err(PromptMistake::Length);
        }
    }
    if samples.is_empty() { Err(PromptMistake::Empty) } else { Ok((samples, source)) }
}

/// Its usual name.
fn codec(parameters: &AudioCodecParameters) -> &'static str {
    match parameters.codec {
        CODEC_ID_OPUS => "Opus",
        CODEC_ID_MP1 | CODEC_ID_MP2 | CODEC_ID_MP3 => "MP3",
        CODEC_ID_PCM_ALAW => "A-law",
        CODEC_ID_PCM_MULAW => "mu-law",
        CODEC_ID_PCM_S16LE => "PCM 16 bit",
        _ => "PCM",
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn said(error: impl ToString) -> PromptMistake {
    PromptMistake::Decode(error.to_string())
}

/// The next packet; a file that ends in the midst of one has simply ended.
fn next(reader: &mut dyn FormatReader) -> Result<Option<Packet>, PromptMistake> {
    match reader.next_packet() {
        Err(Error::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        packet => packet.map_err(said),
    }
}

enum Decoder {
    Opus { decoder: Box<OpusDecoder>, output: Vec<f32>, before: usize },
    Other { decoder: Box<dyn AudioDecoder>, output: Vec<f32> },
}

impl Decoder {
    /// The first `delay` samples of Opus are none of the sound.
    fn new(parameters: &AudioCodecParameters, delay: u32) -> Result<Self, PromptMistake> {
        if parameters.codec == CODEC_ID_OPUS {
            let before = usize::try_from(delay).unwrap_or_default();
            // Its decoder mixes two channels into one.
            let decoder = Box::new(OpusDecoder::new(OPUS_RATE.cast_signed(), 1).map_err(said)?);
            return Ok(Self::Opus { decoder, output: vec![0.0; OPUS_PACKET], before });
        }
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(said)?;
        Ok(Self::Other { decoder, output: Vec::new() })
    }

    /// Appends what a packet holds.
    fn decode(&mut self, packet: &Packet, to: &mut Vec<f32>) -> Result<(), PromptMistake> {
        match self {
            Self::Opus { decoder, output, before } => {
                let count = decoder.decode(&packet.data, OPUS_PACKET, output).map_err(said)?;
                // What the encoder put before and after the sound (RFC 7845 §4.2, §4.4). Only the
                // latter is told with its packet.
                let start = count.min(*before);
                *before -= start;
                let end = usize::try_from(packet.trim_end.get()).unwrap_or(count);
                let sound = output.get(start..count.saturating_sub(end));
                to.extend_from_slice(sound.unwrap_or_default());
            }
            Self::Other { decoder, output } => {
                let audio = match decoder.decode(packet) {
                    Ok(audio) => audio,
                    // One damaged frame of an MP3 is a gap of 26 ms.
                    Err(Error::DecodeError(_)) => return Ok(()),
                    Err(error) => return Err(said(error)),
                };
                let channels = audio.num_planes().max(1);
                output.resize(audio.samples_interleaved(), 0.0);
                audio.copy_to_slice_interleaved(&mut *output);
                let mixed = output.chunks(channels).map(|all| all.iter().sum::<f32>());
                to.extend(mixed.map(|sum| sum / channels as f32));
            }
        }
        Ok(())
    }
}
