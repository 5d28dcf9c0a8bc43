//! The payload of a text packet: one block of T.140, or several with what was sent before (RFC 2198).

/// The highest offset and length that the header of a redundant block can say.
pub const MOST_OFFSET: u32 = (1 << 14) - 1;
pub const MOST_LENGTH: usize = (1 << 10) - 1;
/// Blocks of a packet that are read; nobody repeats as often.
const MOST_BLOCKS: usize = 16;

/// One block of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// Payload type of what is in it.
    pub kind: u8,
    /// By how much its timestamp is behind that of the packet.
    pub offset: u32,
    /// What is in it; empty where nothing was written then.
    pub data: &'a [u8],
}

/// The blocks of a payload of redundant data, the oldest first; nothing when a length is wrong.
pub fn blocks(mut payload: &[u8]) -> Option<Vec<Block<'_>>> {
    let mut heads = Vec::new();
    loop {
        let (&first, rest) = payload.split_first()?;
        let kind = first & 0x7f;
        if first & 0x80 == 0 {
            payload = rest;
            heads.push((kind, 0, None));
            break;
        }
        let (head, rest) = rest.split_first_chunk::<3>()?;
        let word = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let length = usize::try_from(word & 0x3ff).ok()?;
        heads.push((kind, word >> 10, Some(length)));
        payload = rest;
        if heads.len() > MOST_BLOCKS {
            return None;
        }
    }
    let mut blocks = Vec::with_capacity(heads.len());
    for (kind, offset, length) in heads {
        let (data, rest) = payload.split_at_checked(length.unwrap_or(payload.len()))?;
        blocks.push(Block { kind, offset, data });
        payload = rest;
    }
    Some(blocks)
}

/// Appends a payload of redundant data, the oldest block first and the newest last.
pub fn write(blocks: &[Block<'_>], to: &mut Vec<u8>) {
    let Some((newest, older)) = blocks.split_last() else { return };
    for block in older {
        let length = u32::try_from(block.data.len().min(MOST_LENGTH)).unwrap_or(0);
        let [_, high, middle, low] = (block.offset.min(MOST_OFFSET) << 10 | length).to_be_bytes();
        to.extend([0x80 | block.kind, high, middle, low]);
    }
    to.push(newest.kind & 0x7f);
    older.iter().for_each(|block| to.extend(block.data.iter().take(MOST_LENGTH)));
    to.extend(newest.data);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_laid_out_as_the_rfc_draws_it() {
        // RFC 4103 §4.2 draws two redundant blocks before the primary one.
        let block = |offset, data| Block { kind: 98, offset, data };
        let three: [Block<'_>; 3] = [block(600, b"H"), block(300, b""), block(0, b"i")];
        let mut bytes = Vec::new();
        write(&three, &mut bytes);
        let (first, second) = ([0xe2, 0x09, 0x60, 0x01], [0xe2, 0x04, 0xb0, 0x00]);
        assert_eq!(bytes, [&first[..], &second, &[0x62], b"Hi"].concat());
        assert_eq!(blocks(&bytes).expect("blocks"), three);
    }

    #[test]
    fn a_length_that_is_wrong_is_no_packet() {
        assert_eq!(blocks(&[]), None);
        assert_eq!(blocks(&[0xe2, 0, 0]), None);
        assert_eq!(blocks(&[0xe2, 0, 0, 5, 0x62, b'a']), None);
        assert_eq!(blocks(&[0xe2; 400]), None);
        assert_eq!(blocks(&[0x62]).expect("one empty block").len(), 1);
    }
}
