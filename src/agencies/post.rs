//! Sends one body after another to an address that the centre's admin has named: over HTTPS, or in
//! plain HTTP to this machine alone. A connection is kept for the next body.
//!
//! What a caller names goes another way, with its own checks; redirects are not followed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, RETRY_AFTER};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The longest that one body may take, connecting included.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer that are looked at; what it says beyond its status is of no account.
const ANSWER_BYTES: usize = 64 * 1024;

/// An address that is no place to send to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// Neither HTTPS nor HTTP.
    #[error("it is no https:// address")]
    NoHttps,
    /// Plain HTTP would show personal data to everybody on the way.
    #[error("http:// is only for this machine (127.0.0.1 or [::1]): use https://")]
    Plain,
}

/// Where bodies are sent.
#[derive(Clone, Debug)]
pub struct Endpoint {
    host: String,
    port: u16,
    authority: String,
    path: String,
    tls: Option<Arc<ClientConfig>>,
}

impl PartialEq for Endpoint {
    /// The same place; authorities are compared by whether there are any.
    fn eq(&self, other: &Self) -> bool {
        (&self.authority, &self.path, self.tls.is_some())
            == (&other.authority, &other.path, other.tls.is_some())
    }
}

impl Endpoint {
    /// Reads `https://HOST[:PORT]/PATH`; `tls` says who vouches for it.
    ///
    /// # Errors
    /// [`EndpointError`]: what is wrong with it.
    pub fn parse(url: &str, tls: Option<Arc<ClientConfig>>) -> Result<Self, EndpointError> {
        let uri: Uri = url.trim().parse().map_err(|_| EndpointError::NoHttps)?;
        let authority = uri.authority().ok_or(EndpointError::NoHttps)?;
        let host = authority.host().trim_matches(['[', ']']).to_ascii_lowercase();
        let (tls, port) = match uri.scheme_str() {
            Some("https") => (tls, 443),
            Some("http") => {
                let address: Option<std::net::IpAddr> = host.parse().ok();
                if !address.is_some_and(|address| address.is_loopback()) {
                    return Err(EndpointError::Plain);
                }
                (None, 80)
            }
            _ => return Err(EndpointError::NoHttps),
        };
        Ok(Self {
            port: authority.port_u16().unwrap_or(port),
            authority: authority.to_string(),
            path: uri.path_and_query().map_or_else(|| "/".into(), ToString::to_string),
            host,
            tls,
        })
    }

    /// The host, for people.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

/// What came of one body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Taken,
    /// The receiver will not have this one, however often it is sent (its status).
    Refused(u16),
    /// It may be sent again: not there, busy or broken.
    Failed(Failure),
}

/// Why a body was not taken, and may be later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In words.
    pub why: String,
    /// How long to wait, when the receiver said so.
    pub wait: Option<Duration>,
    /// The status of a receiver that is there and did not say that it is busy: this body may be what it fails at.
    pub status: Option<u16>,
}

impl Failure {
    const fn of(why: String) -> Self {
        Self { why, wait: None, status: None }
    }
}

/// A sender and its connection.
#[derive(Debug)]
pub struct Poster {
    endpoint: Endpoint,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Poster {
    /// To `endpoint`; it connects when there is something to send.
    #[must_use]
    pub const fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, open: None }
    }

    /// Sends one body.
    pub async fn post(&mut self, headers: &[(&'static str, String)], body: Bytes) -> Outcome {
        match tokio::time::timeout(PATIENCE, self.try_post(headers, body)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(why)) => {
                self.open = None;
                Outcome::Failed(Failure::of(why))
            }
            Err(_) => {
                self.open = None;
                let why = format!("no answer within {} s", PATIENCE.as_secs());
                Outcome::Failed(Failure::of(why))
            }
        }
    }

    async fn try_post(
        &mut self,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Outcome, String> {
        // A kept connection that the far end has closed meanwhile is no fault of the receiver.
        let kept = match self.open.take() {
            Some(mut kept) => kept.ready().await.is_ok().then_some(kept),
            None => None,
        };
        let mut sender = match kept {
            Some(kept) => kept,
            None => self.connect().await?,
        };
        let mut request = Request::post(self.endpoint.path.as_str())
            .header(HOST, self.endpoint.authority.as_str());
        for (name, value) in headers {
            request = request.header(*name, value.as_str());
        }
        let request = request.body(Full::new(body)).map_err(|error| error.to_string())?;
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let wait = answer.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok());
        let wait = wait.and_then(|wait| wait.trim().parse().ok()).map(Duration::from_secs);
        // The rest of the answer is read so that the connection can be used again.
        if Limited::new(answer.into_body(), ANSWER_BYTES).collect().await.is_ok() {
            self.open = Some(sender);
        }
        Ok(match status.as_u16() {
            200..300 => Outcome::Taken,
            // Later it may be taken: a time-out, too early, too many.
            408 | 425 | 429 => Outcome::Failed(Failure { wait, ..Failure::of(status.to_string()) }),
            // Or elsewhere: a login, a proxy.
            code @ (300..400 | 401 | 403 | 404 | 407) => {
                Outcome::Failed(Failure { why: status.to_string(), wait, status: Some(code) })
            }
            400..500 => Outcome::Refused(status.as_u16()),
            code => Outcome::Failed(Failure { why: status.to_string(), wait, status: Some(code) }),
        })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let Endpoint { host, port, tls, .. } = &self.endpoint;
        let stream = TcpStream::connect((host.as_str(), *port)).await;
        let stream = stream.map_err(|error| format!("cannot connect: {error}"))?;
        // Small bodies must not wait for one another.
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else { return speak(stream).await };
        let name = ServerName::try_from(host.clone()).map_err(|error| error.to_string())?;
        let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
        speak(stream.map_err(|error| format!("TLS: {error}"))?).await
    }
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SendRequest<Full<Bytes>>, String> {
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // Ends with the sender, or when the far end closes.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to a receiver ended");
        }
    });
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_leaves_this_machine() {
        let parsed = |url| Endpoint::parse(url, None).map(|endpoint| endpoint.host().to_owned());
        assert_eq!(parsed("https://log.example:8443/Logging/v1").as_deref(), Ok("log.example"));
        assert_eq!(parsed("http://127.0.0.1:9000/x").as_deref(), Ok("127.0.0.1"));
        assert_eq!(parsed("http://[::1]/").as_deref(), Ok("::1"));
        for plain in ["http://log.example/", "http://198.51.100.7/", "http://localhost.example/"] {
            assert_eq!(parsed(plain), Err(EndpointError::Plain), "{plain}");
        }
        for wrong in ["", "log.example", "ftp://log.example/", "/path", "https:///x"] {
            assert_eq!(parsed(wrong), Err(EndpointError::NoHttps), "{wrong}");
        }
    }
}
