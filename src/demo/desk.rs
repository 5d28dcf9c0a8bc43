//! An operator's browser in the demo: it reaches the gateway through its console, as any other.

use std::io;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::sample::TOKEN;

/// Says that the live call of a number is a prank, and marks the number.
///
/// # Errors
/// The console does not answer, or there is no such call.
pub async fn marks_prankster(console: SocketAddr, number: &str) -> io::Result<()> {
    let board = ask(console, "GET", "/api/v1/calls", "").await?;
    let calls = board.get("calls").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let call = calls.iter().find(|call| call.get("caller").and_then(Value::as_str) == Some(number));
    let incident = call.and_then(|call| call.get("incident")).and_then(Value::as_str);
    let incident = incident.ok_or_else(|| io::Error::other("the prankster's call is not there"))?;
    let path = format!("/api/v1/incidents/{incident}/disposition");
    ask(console, "POST", &path, r#"{"disposition":"prank","nuisance":true}"#).await.map(drop)
}

/// One request; the answer's JSON, null where there is none.
async fn ask(console: SocketAddr, method: &str, path: &str, json: &str) -> io::Result<Value> {
    let mut stream = TcpStream::connect(console).await?;
    let length = json.len();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: {console}\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{json}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split(' ').nth(1).is_none_or(|status| !status.starts_with('2')) {
        return Err(io::Error::other(format!("{method} {path}: {body}")));
    }
    Ok(serde_json::from_str(body).unwrap_or_default())
}
