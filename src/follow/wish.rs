//! What the output plugin is asked to write.

use std::time::Duration;

use tokio::time::timeout;

use super::{Follow, Shared};
use crate::error::Error;
use crate::model::{Plugin, Slot};
use crate::pg::publication;

/// From this version on the source can send a transaction that still runs, and values in binary form.
const STREAMING_VERSION: u32 = 140_000;

/// How long the question for the form of values may take.
const LOOK_PATIENCE: Duration = Duration::from_secs(10);

/// Whether values are to come in binary form: that is for all tables or for none. Text is always right,
/// and so it is when nobody can tell.
pub(super) async fn takes_binary(follow: &Follow, shared: &Shared, server_version: u32) -> bool {
    let Some(name) = follow.slot.publication.as_deref() else { return false };
    if server_version < STREAMING_VERSION || shared.needs_text.is_cancelled() {
        return false;
    }
    let obstacle = async {
        let mut session = follow.source.open("receive").await?;
        let obstacle = publication::binary_obstacle(&mut session, name).await?;
        session.close().await;
        Ok::<_, Error>(obstacle)
    };
    let obstacle = match timeout(LOOK_PATIENCE, obstacle).await {
        Ok(Ok(obstacle)) => obstacle,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("the source does not answer".to_owned()),
    };
    match &obstacle {
        Some(reason) => tracing::debug!("values come in text form: {reason}"),
        None => tracing::debug!("values come in binary form"),
    }
    obstacle.is_none()
}

/// The publication of a slot, in a list of such names.
pub(super) fn publications(slot: &Slot) -> String {
    let name = slot.publication.as_deref().unwrap_or_default();
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The options of a stream. Transactions that are prepared come whole when they commit, as long as the
/// slot is not made for two phases; messages of applications change no row and are not asked for.
pub(super) fn options<'a>(
    slot: &Slot,
    publications: &'a str,
    server_version: u32,
    is_binary: bool,
) -> Vec<(&'a str, &'a str)> {
    match slot.plugin {
        // Large transactions come while they run.
        Plugin::Pgoutput if server_version >= STREAMING_VERSION => {
            let mut options = vec![
                ("proto_version", "2"),
                ("publication_names", publications),
                ("streaming", "on"),
            ];
            if is_binary {
                options.push(("binary", "true"));
            }
            options
        }
        Plugin::Pgoutput => vec![("proto_version", "1"), ("publication_names", publications)],
        Plugin::TestDecoding => vec![("include-xids", "true"), ("skip-empty-xacts", "true")],
        Plugin::Wal2json => {
            let mut options =
                vec![("format-version", "2"), ("include-xids", "true"), ("include-types", "true")];
            if slot.numeric_as_string {
                options.push(("numeric-data-types-as-string", "true"));
            }
            options
        }
    }
}
