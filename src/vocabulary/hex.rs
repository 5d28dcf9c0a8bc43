//! Bytes as lower-case hexadecimal digits.

/// Two digits for each byte, the higher half first.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' - 10 + half });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_has_its_digit() {
        assert_eq!(hex(&[0x01, 0x9a, 0xff, 0x00]), "019aff00");
        assert_eq!(hex(&[]), "");
    }
}
