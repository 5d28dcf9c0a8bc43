//! Letters out of bytes, wherever packets part them.

use super::MISSING;
use super::clean::Clean;

/// UTF-8 of one writer; a character may begin in one block and end in the next.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The beginning of a character that goes on in the next block.
    part: Vec<u8>,
}

impl Decoder {
    /// Appends what can be read by one more block; what is no text is shown as missing.
    pub fn take(&mut self, block: &[u8], clean: &mut Clean, to: &mut String) {
        self.part.extend_from_slice(block);
        let bytes = std::mem::take(&mut self.part);
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            to.extend(chunk.valid().chars().filter_map(|c| clean.take(c)));
            let wrong = chunk.invalid();
            if wrong.is_empty() {
                continue;
            }
            let cut = std::str::from_utf8(wrong).is_err_and(|error| error.error_len().is_none());
            if chunks.peek().is_none() && cut {
                self.part.extend_from_slice(wrong);
            } else {
                to.extend(clean.take(MISSING));
            }
        }
    }

    /// What goes on is lost: the character that was begun is shown as missing.
    pub fn end(&mut self, to: &mut String) {
        if !std::mem::take(&mut self.part).is_empty() {
            to.push(MISSING);
        }
    }
}
