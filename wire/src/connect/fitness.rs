//! `target_session_attrs`: whether a server is of the kind that is wanted. From version 14 on
//! servers report what is needed by themselves; older ones are asked.

use postgres_protocol::message::frontend;

use super::failure::{Failure, FailureKind};
use super::startup::Session;
use crate::conninfo::TargetSessionAttributes as Wanted;
use crate::error::{Error, ServerError};

/// Fails when the session is of another kind than wanted.
pub(super) async fn check(session: &mut Session, wanted: Wanted) -> Result<(), Failure> {
    let (must_be, fault) = match wanted {
        Wanted::Any | Wanted::PreferStandby => return Ok(()),
        Wanted::ReadWrite => (false, "session is read-only"),
        Wanted::ReadOnly => (true, "session is not read-only"),
        Wanted::Primary => (false, "server is in hot standby mode"),
        Wanted::Standby => (true, "server is not in hot standby mode"),
    };
    let is = match wanted {
        Wanted::ReadWrite | Wanted::ReadOnly => is_read_only(session).await?,
        Wanted::Any | Wanted::PreferStandby | Wanted::Primary | Wanted::Standby => {
            is_standby(session).await?
        }
    };
    if is == must_be {
        return Ok(());
    }
    // Said out of courtesy; the connection is dropped either way.
    frontend::terminate(&mut session.framed.outgoing);
    let _ = session.framed.flush().await;
    let wish = format!("{fault} (target_session_attrs={})", wanted.as_str());
    Err(Failure::new(FailureKind::Unfit, wish))
}

async fn is_read_only(session: &mut Session) -> Result<bool, Failure> {
    let reported = |name: &str| session.parameters.get(name).map(|value| value == "on");
    match (reported("default_transaction_read_only"), reported("in_hot_standby")) {
        (Some(read_only), Some(standby)) => Ok(read_only || standby),
        _ => Ok(answer(session, "show transaction_read_only").await? == b"on"),
    }
}

async fn is_standby(session: &mut Session) -> Result<bool, Failure> {
    match session.parameters.get("in_hot_standby") {
        Some(value) => Ok(value == "on"),
        None => Ok(answer(session, "select pg_catalog.pg_is_in_recovery()").await? == b"t"),
    }
}

/// The first column of the only row, by the simple protocol.
async fn answer(session: &mut Session, statement: &str) -> Result<Vec<u8>, Failure> {
    frontend::query(statement, &mut session.framed.outgoing)?;
    session.framed.flush().await?;
    let mut value = Vec::new();
    loop {
        let frame = session.framed.read().await?;
        match frame.tag {
            // Two bytes with the number of columns, four with the length of the first.
            b'D' => value = frame.body.get(6..).unwrap_or_default().to_vec(),
            b'E' => {
                let error = ServerError::parse(&frame.body)?;
                return Err(Failure::server(FailureKind::Ended, error));
            }
            b'N' => session.notices.push(ServerError::parse(&frame.body)?),
            b'S' | b'T' | b'C' => {}
            b'Z' => return Ok(value),
            tag => {
                let kind = char::from(tag).escape_default();
                let reason = format!("unexpected message '{kind}' in an answer");
                return Err(Error::Protocol(reason).into());
            }
        }
    }
}
