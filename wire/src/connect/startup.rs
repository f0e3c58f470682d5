//! From the startup message to the first ReadyForQuery (PostgreSQL documentation, "Start-up").

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use postgres_protocol::message::frontend;
use secrecy::SecretString;

use super::failure::{Failure, FailureKind};
use crate::authenticate::{Authentication, Channel, Step};
use crate::conninfo::{Conninfo, ProtocolVersion};
use crate::error::{Error, ServerError};
use crate::frame::Framed;

/// Messages a server may send before it is ready. A real one sends some dozens.
const MESSAGES_MAX: usize = 10_000;

/// Cancel keys are 4 bytes up to protocol 3.0 and at most 256 in 3.2.
const CANCEL_KEY_BYTES: std::ops::RangeInclusive<usize> = 4..=256;

/// A session as the server has described it.
#[derive(Debug)]
pub(super) struct Session {
    pub framed: Framed,
    pub parameters: HashMap<String, String>,
    pub backend_pid: i32,
    pub cancel_key: Bytes,
    pub notices: Vec<ServerError>,
}

/// Sends the startup message and waits until the server is ready.
pub(super) async fn start(
    mut framed: Framed,
    conninfo: &Conninfo,
    password: Option<&SecretString>,
    channel: Channel,
) -> Result<Session, Failure> {
    write_startup(conninfo, &mut framed.outgoing)?;
    framed.flush().await?;
    let authentication = Authentication::new(conninfo, password, channel);
    let mut startup = Startup {
        authentication: Some(authentication),
        parameters: HashMap::new(),
        key: None,
        notices: Vec::new(),
    };
    for _ in 0..MESSAGES_MAX {
        if startup.step(conninfo, &mut framed).await? == Progress::Ready {
            let (backend_pid, cancel_key) = startup.key.unwrap_or_default();
            return Ok(Session {
                framed,
                parameters: startup.parameters,
                backend_pid,
                cancel_key,
                notices: startup.notices,
            });
        }
    }
    Err(Failure::refused(format!("the server is not ready after {MESSAGES_MAX} messages")))
}

#[derive(PartialEq, Eq)]
enum Progress {
    Going,
    Ready,
}

struct Startup<'a> {
    /// Until the server has let us in.
    authentication: Option<Authentication<'a>>,
    parameters: HashMap<String, String>,
    key: Option<(i32, Bytes)>,
    notices: Vec<ServerError>,
}

impl Startup<'_> {
    /// Reads and answers one message.
    async fn step(
        &mut self,
        conninfo: &Conninfo,
        framed: &mut Framed,
    ) -> Result<Progress, Failure> {
        let frame = framed.read().await?;
        let body = frame.body;
        match (frame.tag, &mut self.authentication) {
            (b'R', Some(authentication)) => {
                let step = authentication.answer(&body, &mut framed.outgoing)?;
                framed.flush().await?;
                if step == Step::Done {
                    self.authentication = None;
                }
            }
            (b'E', authentication) => {
                let is_inside = authentication.is_none();
                let kind = if is_inside { FailureKind::Ended } else { FailureKind::Rejected };
                return Err(Failure::server(kind, ServerError::parse(&body)?));
            }
            (b'N', _) => self.notices.push(ServerError::parse(&body)?),
            (b'v', Some(_)) => check_negotiated(&body, conninfo)?,
            (b'S', None) => {
                let (name, value) = parameter(&body)?;
                self.parameters.insert(name, value);
            }
            (b'K', None) => self.key = Some(key(&body)?),
            (b'Z', None) => return Ok(Progress::Ready),
            (tag, _) => {
                let kind = char::from(tag).escape_default();
                return Err(protocol(format!("unexpected message '{kind}' at start-up")));
            }
        }
        Ok(Progress::Going)
    }
}

fn protocol(reason: impl Into<String>) -> Failure {
    Failure::from(Error::Protocol(reason.into()))
}

fn write_startup(conninfo: &Conninfo, out: &mut BytesMut) -> Result<(), Failure> {
    let mut parameters = vec![("user", conninfo.user()), ("database", conninfo.dbname())];
    let optional = [
        ("replication", conninfo.replication()),
        ("options", conninfo.options()),
        ("application_name", conninfo.application_name()),
        ("client_encoding", conninfo.client_encoding()),
    ];
    parameters.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    parameters.extend(conninfo.session_settings());
    frontend::startup_message(parameters, out)
        .map_err(|error| Failure::refused(format!("a connection parameter: {error}")))?;
    // The library writes 3.0; the version follows the length.
    let (_, highest) = conninfo.protocol_versions();
    if let Some(version) = out.get_mut(4..8) {
        version.copy_from_slice(&highest.number().to_be_bytes());
    }
    Ok(())
}

/// NegotiateProtocolVersion: the server speaks an older minor version than we asked for.
fn check_negotiated(body: &[u8], conninfo: &Conninfo) -> Result<(), Failure> {
    let (version, rest) = int32(body)?;
    let (options, _) = int32(rest)?;
    let (lowest, highest) = conninfo.protocol_versions();
    let version = version.cast_unsigned();
    let is_known = version >= ProtocolVersion::V3_0.number() && version <= highest.number();
    if !is_known || options < 0 {
        return Err(protocol("the server negotiates a protocol version that was not asked for"));
    }
    if version < lowest.number() {
        return Err(Failure::refused(format!(
            "the server speaks at most protocol version 3.{}, min_protocol_version asks for more",
            version & 0xffff
        )));
    }
    // Options that begin with "_pq_." are the only ones a server may refuse; we send none.
    if options > 0 {
        return Err(protocol("the server does not know an option that was not sent"));
    }
    Ok(())
}

fn int32(body: &[u8]) -> Result<(i32, &[u8]), Failure> {
    let (bytes, rest) =
        body.split_first_chunk::<4>().ok_or_else(|| protocol("a message is too short"))?;
    Ok((i32::from_be_bytes(*bytes), rest))
}

/// BackendKeyData.
fn key(body: &[u8]) -> Result<(i32, Bytes), Failure> {
    let (pid, key) = int32(body)?;
    if !CANCEL_KEY_BYTES.contains(&key.len()) {
        return Err(protocol(format!("a cancel key of {} bytes", key.len())));
    }
    // A copy: a piece of the message would keep the whole buffer for as long as the session lives.
    Ok((pid, Bytes::copy_from_slice(key)))
}

/// ParameterStatus: two strings.
fn parameter(body: &[u8]) -> Result<(String, String), Failure> {
    let mut fields = body.split(|&byte| byte == 0);
    match (fields.next(), fields.next(), fields.next(), fields.next()) {
        (Some(name), Some(value), Some([]), None) => Ok((
            String::from_utf8_lossy(name).into_owned(),
            String::from_utf8_lossy(value).into_owned(),
        )),
        _ => Err(protocol("a malformed parameter status")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_messages_are_errors() {
        assert!(key(b"\0\0\0\x01abc").is_err());
        assert!(key(&[0; 4 + 257]).is_err());
        assert_eq!(key(b"\0\0\0\x01abcd").unwrap().1.len(), 4);
        for body in [&b""[..], b"a", b"a\0", b"a\0b", b"a\0b\0c"] {
            assert!(parameter(body).is_err(), "{body:?}");
        }
        assert_eq!(parameter(b"a\0b\0").unwrap(), ("a".into(), "b".into()));
    }
}
