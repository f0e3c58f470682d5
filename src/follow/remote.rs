//! The operator's row from another machine: one request and one answer, each a line of JSON. Without
//! a secret only this machine is listened to; with one, a request has to prove that it knows it,
//! for a number that the server has drawn, so that it cannot be sent again by others.

use std::fmt::Write as _;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{Follow, blocking};
use crate::catalog::{SentinelChange, no_sentinel};
use crate::changes::{self, Removal};
use crate::error::{Error, Kind, Result};
use crate::model::{FollowStatus, Lsn, Remote, Sentinel};
use crate::pg::slot;

/// How long one who has connected may take to say everything.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest line.
const LINE_BYTES_MAX: u64 = 16_384;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// The row.
    Get,
    /// Changes begin there.
    Startpos(String),
    /// They end there; without one, at the end of the source's log as it is now.
    Endpos(Option<String>),
    /// Whether they are applied.
    Apply(bool),
    /// Changes that are applied are to be removed, or only counted.
    Prune {
        /// Only counted.
        dry_run: bool,
    },
}

/// What was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Everything up to here is applied.
    pub applied: Lsn,
}

/// What the server says first.
#[derive(Serialize, Deserialize)]
struct Greeting {
    nonce: String,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    /// A [`Request`], as text: that is what is proved.
    request: String,
    #[serde(default)]
    proof: String,
}

/// The row as it is now, or why not.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Sentinel {
        apply: bool,
        positions: [String; 5],
        #[serde(default)]
        status: Box<FollowStatus>,
    },
    Pruned {
        files: usize,
        bytes: u64,
        applied: String,
    },
    Error(String),
}

/// Answers requests until it fails; for ever if nobody is to be listened to.
pub(super) async fn serve(follow: &Follow) -> Error {
    let Some(remote) = &follow.settings.remote else { return std::future::pending().await };
    let listener = match listen(remote).await {
        Ok(listener) => listener,
        Err(error) => return error,
    };
    loop {
        let Ok((mut stream, from)) = listener.accept().await else {
            // Such as too many open files: nobody is answered for a moment.
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        match tokio::time::timeout(PATIENCE, converse(follow, remote, &mut stream)).await {
            Ok(Ok(request)) => tracing::info!("{from} asked for {request:?}"),
            Ok(Err(error)) => tracing::warn!("could not answer {from}: {error}"),
            Err(_) => tracing::warn!("{from} connected and asked for nothing"),
        }
    }
}

async fn listen(remote: &Remote) -> Result<TcpListener> {
    let place = format!("{}:{}", remote.host, remote.port);
    let failed = |cause: std::io::Error| {
        Error::new(Kind::Arguments, format!("could not listen on {place}: {cause}"))
    };
    let addresses = tokio::net::lookup_host((remote.host.as_str(), remote.port)).await;
    let addresses: Vec<_> = addresses.map_err(failed)?.collect();
    if remote.secret.is_none() && !addresses.iter().all(|address| address.ip().is_loopback()) {
        return Err(Error::new(
            Kind::Arguments,
            format!("cannot listen on {place} without a secret"),
        )
        .detail("Everybody who reaches it could stop this migration.")
        .hint("Give --secret-file, or listen on 127.0.0.1 only."));
    }
    let listener = TcpListener::bind(addresses.as_slice()).await.map_err(failed)?;
    tracing::info!("listening on {} for the sentinel", listener.local_addr().map_err(failed)?);
    Ok(listener)
}

/// One request and its answer.
async fn converse(follow: &Follow, remote: &Remote, stream: &mut TcpStream) -> Result<Request> {
    let nonce = nonce()?;
    send(stream, &Greeting { nonce: nonce.clone() }).await?;
    let done = async {
        let envelope: Envelope = receive(stream).await?;
        if remote.secret.is_some() && !is_proved(remote, &nonce, &envelope) {
            return Err(Error::new(Kind::Arguments, "the secret is wrong"));
        }
        let request: Request = serde_json::from_str(&envelope.request)
            .map_err(|_| Error::new(Kind::Arguments, "this is no request"))?;
        Ok((perform(follow, &request).await?, request))
    };
    let (answer, done) = match done.await {
        Ok((answer, request)) => (answer, Ok(request)),
        Err(error) => (Answer::Error(error.to_string()), Err(error)),
    };
    send(stream, &answer).await?;
    done
}

async fn perform(follow: &Follow, request: &Request) -> Result<Answer> {
    let change = match request {
        Request::Get => None,
        Request::Startpos(lsn) => Some(SentinelChange::Startpos(parse(lsn)?)),
        Request::Endpos(Some(lsn)) => Some(SentinelChange::Endpos(parse(lsn)?)),
        Request::Endpos(None) => {
            let mut session = follow.source.open("sentinel").await?;
            let current = slot::end_of_commits(&mut session).await?;
            session.close().await;
            Some(SentinelChange::Endpos(current))
        }
        Request::Apply(apply) => Some(SentinelChange::Apply(*apply)),
        Request::Prune { dry_run } => return prune(follow, *dry_run).await,
    };
    if let Some(change) = change {
        follow.catalog.change_sentinel(change).await?;
    }
    let sentinel = follow.catalog.sentinel().await?.ok_or_else(no_sentinel)?;
    Ok(answer(&sentinel, follow.catalog.follow_status().await?))
}

async fn prune(follow: &Follow, dry_run: bool) -> Result<Answer> {
    let applied = follow.catalog.sentinel().await?.ok_or_else(no_sentinel)?.replay_lsn;
    let directory = follow.directory.clone();
    let removal = if dry_run { Removal::Pretended } else { Removal::Done };
    let (files, bytes) = blocking(move || changes::prune(&directory, applied, removal)).await?;
    Ok(Answer::Pruned { files, bytes, applied: applied.to_string() })
}

/// Asks a running command for its row, or changes it.
pub async fn ask(remote: &Remote, request: &Request) -> Result<(Sentinel, FollowStatus)> {
    let Answer::Sentinel { apply, positions, status } = exchange(remote, request).await? else {
        return Err(nonsense(remote));
    };
    let [startpos, endpos, write, flush, replay] = positions;
    let sentinel = Sentinel {
        startpos: parse(&startpos)?,
        endpos: parse(&endpos)?,
        apply,
        write_lsn: parse(&write)?,
        flush_lsn: parse(&flush)?,
        replay_lsn: parse(&replay)?,
    };
    Ok((sentinel, *status))
}

/// Asks a running command to remove what is applied.
pub async fn ask_to_prune(remote: &Remote, dry_run: bool) -> Result<Pruned> {
    match exchange(remote, &Request::Prune { dry_run }).await? {
        Answer::Pruned { files, bytes, applied } => {
            Ok(Pruned { files, bytes, applied: parse(&applied)? })
        }
        _ => Err(nonsense(remote)),
    }
}

fn nonsense(remote: &Remote) -> Error {
    let message = format!("{}:{} answered something else", remote.host, remote.port);
    Error::new(Kind::State, message).hint("Is it a pgcopydb of the same version?")
}

async fn exchange(remote: &Remote, request: &Request) -> Result<Answer> {
    let place = format!("{}:{}", remote.host, remote.port);
    let failed = |cause: String| {
        Error::new(Kind::State, format!("could not ask {place}: {cause}"))
            .hint("Is a command with --host and --port running there?")
    };
    let asked = async {
        let stream = TcpStream::connect((remote.host.as_str(), remote.port)).await;
        let mut stream = stream.map_err(|cause| failed(cause.to_string()))?;
        let greeting: Greeting = receive(&mut stream).await?;
        let request = serde_json::to_string(request).map_err(|cause| failed(cause.to_string()))?;
        let proof = proof(remote, &greeting.nonce, &request)
            .map(|proof| hexadecimal(&proof.finalize().into_bytes()));
        send(&mut stream, &Envelope { request, proof: proof.unwrap_or_default() }).await?;
        receive::<Answer>(&mut stream).await
    };
    let answer = tokio::time::timeout(PATIENCE * 2, asked).await;
    match answer.unwrap_or_else(|_| Err(failed("it does not answer".to_owned())))? {
        Answer::Error(message) => {
            let error = Error::new(Kind::State, format!("{place} refused: {message}"));
            match remote.secret {
                Some(_) => Err(error),
                None => Err(error.hint("Give the secret of that command with --secret-file.")),
            }
        }
        answer => Ok(answer),
    }
}

fn answer(sentinel: &Sentinel, status: FollowStatus) -> Answer {
    let Sentinel { startpos, endpos, apply, write_lsn, flush_lsn, replay_lsn } = *sentinel;
    let positions = [startpos, endpos, write_lsn, flush_lsn, replay_lsn];
    let positions = positions.map(|lsn| lsn.to_string());
    Answer::Sentinel { apply, positions, status: Box::new(status) }
}

fn parse(lsn: &str) -> Result<Lsn> {
    lsn.parse().map_err(|cause| Error::new(Kind::Arguments, format!("{cause}")))
}

/// What only somebody who knows the secret can make.
fn proof(remote: &Remote, nonce: &str, request: &str) -> Option<Hmac<Sha256>> {
    let secret = remote.secret.as_ref()?.expose_secret();
    let mut proof = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    proof.update(nonce.as_bytes());
    proof.update(request.as_bytes());
    Some(proof)
}

fn is_proved(remote: &Remote, nonce: &str, envelope: &Envelope) -> bool {
    let given: Option<Vec<u8>> = (0..envelope.proof.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(envelope.proof.get(at..at + 2)?, 16).ok())
        .collect();
    let proof = proof(remote, nonce, &envelope.request);
    proof.zip(given).is_some_and(|(proof, given)| proof.verify_slice(&given).is_ok())
}

fn nonce() -> Result<String> {
    let mut bytes = [0_u8; 16];
    let drawn = rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty());
    match drawn {
        Ok(16) => Ok(hexadecimal(&bytes)),
        _ => Err(Error::new(Kind::Internal, "the system has no random numbers")),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

async fn send(stream: &mut TcpStream, line: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string(line).map_err(|cause| broken(&cause))?;
    text.push('\n');
    stream.write_all(text.as_bytes()).await.map_err(|cause| broken(&cause))
}

async fn receive<T: for<'a> Deserialize<'a>>(stream: &mut TcpStream) -> Result<T> {
    let mut line = String::new();
    // One line at a time comes, and only as an answer: nothing is lost with the buffer.
    let mut reader = BufReader::new(stream.take(LINE_BYTES_MAX));
    reader.read_line(&mut line).await.map_err(|cause| broken(&cause))?;
    serde_json::from_str(&line).map_err(|cause| broken(&cause))
}

fn broken(cause: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::State, format!("the conversation broke off: {cause}"))
}
