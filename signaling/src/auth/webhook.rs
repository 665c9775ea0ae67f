//! Who may come in, as the operator's own service decides: it is asked by POST with JSON, and answers with a status. The only
//! place that names the HTTP client.

use std::fmt;
use std::net::IpAddr;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use shared::{Room, Secret};
use std::error::Error as _;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{info, warn};

mod answer;

pub(crate) use answer::Answer;

/// Questions that are on their way at once; others wait, and their waiting counts.
const AT_ONCE: usize = 64;
/// Bytes of an answer.
const MAX_ANSWER: usize = 16 * 1024;

/// Where the service is, and what it knows this server by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookOptions {
    /// `http:` or `https:`; like a password, since it may hold one.
    url: Secret,
    /// Sent as `Authorization: Bearer`, so that the service knows who asks.
    pub secret: Option<Secret>,
    /// How long an answer may take, from the moment that a client waits for it.
    pub patience: Duration,
}

impl WebhookOptions {
    /// With five seconds for an answer.
    ///
    /// # Errors
    /// When this is no URL that can be asked, or the secret is none that can be sent.
    pub fn new(url: &str, secret: Option<Secret>) -> anyhow::Result<Self> {
        let uri: Uri = url.parse().context("--auth-url is no URL")?;
        ensure!(
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some(),
            "--auth-url begins with http:// or https:// and the name of a host"
        );
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        ensure!(
            !authority.contains('@'),
            "--auth-url holds a user: put what your service knows this server by into SIGNALING_AUTH_SECRET"
        );
        // RFC 9110 section 5.5. Later on it would look like a service that cannot be reached.
        let is_sent_whole = |secret: &Secret| {
            let text = secret.expose();
            text.trim() == text && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        };
        ensure!(
            secret.as_ref().is_none_or(is_sent_whole),
            "SIGNALING_AUTH_SECRET cannot stand in an HTTP header: it is printable ASCII, without a space or line break at its ends"
        );
        Ok(Self {
            url: Secret::new(url),
            secret,
            patience: Duration::from_secs(5),
        })
    }
}

/// What is asked. The body of the request is this as JSON.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    /// Where the client wants to go; none is the global room.
    pub(crate) room: Option<&'a Room>,
    pub(crate) token: Option<&'a Secret>,
    pub(crate) address: IpAddr,
    /// Of the page, if it is one.
    pub(crate) origin: Option<&'a str>,
    /// Whether it will say `hello`.
    pub(crate) peer_v1: bool,
}

/// Why somebody may not come in; what is below it is for the log alone.
#[derive(Debug, Error)]
pub(crate) enum No {
    /// In the service's words.
    #[error("{0}")]
    Refused(String),
    #[error("who decides about coming in does not answer in time")]
    Late,
    #[error("who decides about coming in cannot be reached")]
    Unreachable(#[source] anyhow::Error),
    #[error("who decides about coming in answers with status {0}")]
    Failed(u16),
    #[error("who decides about coming in says nothing that this server understands")]
    Strange(#[source] anyhow::Error),
}

/// The service, from this side.
pub(crate) struct Webhook {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    options: WebhookOptions,
    questions: Semaphore,
    /// Whether the last one was answered, so that the log tells only when that changes.
    answers: AtomicBool,
    /// Said once.
    unknown_here: Once,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.options.fmt(f)
    }
}

impl Webhook {
    /// Asks nothing yet. Reads the authorities that the system trusts, if they are needed.
    pub(crate) fn new(options: WebhookOptions) -> anyhow::Result<Self> {
        let builder = HttpsConnectorBuilder::new();
        let builder = if options.url.expose().starts_with("https:") {
            let roots = builder.with_provider_and_native_roots(ring::default_provider());
            roots.context("--auth-url: no certificate authorities on this system")?
        } else {
            let config = ClientConfig::builder_with_provider(ring::default_provider().into())
                .with_safe_default_protocol_versions()?
                .with_root_certificates(RootCertStore::empty());
            builder.with_tls_config(config.with_no_client_auth())
        };
        let connector = builder.https_or_http().enable_http1().build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            options,
            questions: Semaphore::new(AT_ONCE),
            answers: AtomicBool::new(true),
            unknown_here: Once::new(),
        })
    }

    /// May it come in, and as what?
    pub(crate) async fn ask(&self, question: &Question<'_>) -> Result<Answer, No> {
        let answer = timeout(self.options.patience, self.exchange(question)).await;
        let answer = answer.unwrap_or(Err(No::Late));
        let answers = matches!(answer, Ok(_) | Err(No::Refused(_)));
        if self.answers.swap(answers, Ordering::Relaxed) != answers {
            match &answer {
                Err(why) if !answers => warn!("--auth-url: {}", whole(why)),
                _ => info!("--auth-url answers again"),
            }
        }
        answer
    }

    /// RFC 9110 section 15.5.2: 401 may be meant for this server. It is no less a refusal, since many services say so of a client.
    fn may_not_know_us(&self) {
        self.unknown_here.call_once(|| {
            warn!("--auth-url answers 401: if it means this server, set SIGNALING_AUTH_SECRET");
        });
    }

    async fn exchange(&self, question: &Question<'_>) -> Result<Answer, No> {
        // Never closed.
        let _one = self.questions.acquire().await.map_err(|_| No::Late)?;
        let request = self.request(question).map_err(No::Unreachable)?;
        let response = self.client.request(request).await;
        let response = response.map_err(|why| No::Unreachable(why.into()))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|why| No::Strange(anyhow!(why)))?.to_bytes();
        match head.status {
            status if status.is_success() => Answer::parse(&body).map_err(No::Strange),
            status if is_refusal(status) => {
                if status == StatusCode::UNAUTHORIZED {
                    self.may_not_know_us();
                }
                Err(No::Refused(answer::sentence(&body)))
            }
            status => Err(No::Failed(status.as_u16())),
        }
    }

    fn request(&self, question: &Question<'_>) -> anyhow::Result<Request<Full<Bytes>>> {
        let body = serde_json::json!({
            "room": question.room.map(Room::as_str),
            "token": question.token.map(Secret::expose),
            "address": question.address,
            "origin": question.origin,
            "protocol": question.peer_v1.then_some(shared::SUBPROTOCOL),
        });
        let mut request =
            Request::post(self.options.url.expose()).header(CONTENT_TYPE, "application/json");
        if let Some(secret) = &self.options.secret {
            request = request.header(AUTHORIZATION, format!("Bearer {}", secret.expose()));
        }
        Ok(request.body(Full::from(body.to_string()))?)
    }
}

/// With all that is below it, in one line.
fn whole(no: &No) -> String {
    let mut line = no.to_string();
    let mut below = no.source();
    while let Some(why) = below {
        line = format!("{line}: {why}");
        below = why.source();
    }
    line
}

/// That it had too much to do, or waited too long, is no refusal (RFC 9110 section 15.5.9, RFC 6585 section 4).
fn is_refusal(status: StatusCode) -> bool {
    let too_busy = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    status.is_client_error() && !too_busy.contains(&status)
}
