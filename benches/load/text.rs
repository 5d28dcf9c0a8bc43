//! Finds in a SIP message the few fields that the generator needs, without reading the rest.

use memchr::memmem;

/// The status code; none for a request.
pub fn status(message: &str) -> Option<u16> {
    message.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
}

/// What follows the first `mark`, up to any of `ends`.
pub fn after<'a>(message: &'a str, mark: &str, ends: &[char]) -> Option<&'a str> {
    let start = memmem::find(message.as_bytes(), mark.as_bytes())? + mark.len();
    message.get(start..)?.split(ends).next()
}

/// A number that follows the first `mark`.
pub fn number(message: &str, mark: &str) -> Option<usize> {
    let start = memmem::find(message.as_bytes(), mark.as_bytes())? + mark.len();
    let rest = message.get(start..)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..digits)?.parse().ok()
}

/// A header's value; the gateway writes names in their usual case.
pub fn header<'a>(message: &'a str, mark: &str) -> &'a str {
    after(message, mark, &['\r']).unwrap_or_default()
}

/// The header lines that a response copies from its request.
pub fn copied(request: &str, to_tag: &str) -> String {
    let mut text = String::with_capacity(512);
    for line in request.split("\r\n").skip(1).take_while(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default();
        if ["Via", "From", "To", "Call-ID", "CSeq"].contains(&name) {
            text.push_str(line);
            if name == "To" && !line.contains(";tag=") {
                text.push_str(";tag=");
                text.push_str(to_tag);
            }
            text.push_str("\r\n");
        }
    }
    text
}
