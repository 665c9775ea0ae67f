//! CONNECT (RFC 9110 9.3.6): a proxy becomes a tunnel.

use data_encoding::BASE64;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::proxy::Proxy;
use super::{DialError, ProxyError, Stream};

/// A proxy that has more to say before the tunnel is none.
const LONGEST_ANSWER: usize = 16 * 1024;

/// Header fields of an answer.
const MOST_FIELDS: usize = 64;

/// Asks the proxy behind `stream` to connect us to `host`.
pub(super) async fn open(
    stream: &mut Stream,
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> Result<(), ProxyError> {
    let target = authority(host, port);
    let unreachable = |error: std::io::Error| ProxyError::Unreachable(DialError::from(error));
    stream
        .write_all(request(proxy, &target).as_bytes())
        .await
        .map_err(unreachable)?;
    stream.flush().await.map_err(unreachable)?;
    match answer(stream).await? {
        200..=299 => Ok(()),
        407 => Err(ProxyError::Credentials {
            given: proxy.credentials.is_some(),
        }),
        status @ 500..=599 => Err(ProxyError::Failed { target, status }),
        status => Err(ProxyError::Forbidden { target, status }),
    }
}

fn request(proxy: &Proxy, target: &str) -> String {
    let credentials = proxy.credentials.as_ref().map(|(user, password)| {
        let both = BASE64.encode(format!("{user}:{password}").as_bytes());
        format!("Proxy-Authorization: Basic {both}\r\n")
    });
    format!(
        "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{}\r\n",
        credentials.unwrap_or_default()
    )
}

/// `host:port`, `[address]:port`.
pub(super) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// Reads the status, and not one byte of what follows the header: that belongs to the tunnel.
async fn answer(stream: &mut Stream) -> Result<u16, ProxyError> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == LONGEST_ANSWER {
            return Err(ProxyError::Strange);
        }
        let byte = stream
            .read_u8()
            .await
            .map_err(|error| ProxyError::Unreachable(error.into()))?;
        head.push(byte);
    }
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    match response.parse(&head) {
        Ok(httparse::Status::Complete(_)) => response.code.ok_or(ProxyError::Strange),
        _ => Err(ProxyError::Strange),
    }
}
