//! The least of an HTTP/1.1 client: one request, one answer, one connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::wait::LIMIT;

/// One answer.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Body bytes.
    pub body: Vec<u8>,
    /// Status line and headers, in lower case.
    pub head: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| {
            panic!("{e} in status {}: {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }
}

/// Sends one request and reads the answer to its end.
pub fn request(
    to: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    json: &str,
) -> Answer {
    let header = token.map_or_else(String::new, |t| format!("Authorization: Bearer {t}"));
    request_with(to, method, path, &header, json)
}

/// The same with other headers, each but the last ending in a line break.
pub fn request_with(to: SocketAddr, method: &str, path: &str, headers: &str, json: &str) -> Answer {
    send(to, method, path, headers, json.as_bytes())
}

/// The same with a body of bytes.
pub fn send(to: SocketAddr, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(to).expect("the console listens");
    stream.set_read_timeout(Some(LIMIT)).expect("a timeout is set");
    let token = if headers.is_empty() { String::new() } else { format!("{headers}\r\n") };
    let length = body.len();
    // Whoever searches, plays or exports says why.
    let reason = "Siaga112-Reason: test of the suite\r\n";
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n{token}{reason}\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
    .expect("the request is sent");
    stream.write_all(body).expect("the body is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the answer is read");
    read(&answer).unwrap_or_else(|| panic!("no HTTP: {}", String::from_utf8_lossy(&answer)))
}

fn read(answer: &[u8]) -> Option<Answer> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?.to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = &answer[end + 4..];
    let chunked =
        head.lines().any(|l| l.starts_with("transfer-encoding:") && l.contains("chunked"));
    Some(Answer { status, body: if chunked { dechunk(body)? } else { body.to_vec() }, head })
}

fn dechunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(line + 2..line + 2 + size)?);
        rest = rest.get(line + 4 + size..)?;
    }
}
