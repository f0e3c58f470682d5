//! Foreign keys of the target that were taken down for the rows, at the end of a command.

use super::prepare::Begun;
use crate::error::{Error, Kind, Result};
use crate::run::control::Event;
use crate::run::foreign_keys::PutBack;
use crate::stop::Stop;

/// Puts them back, if there are any, and says how many could not be.
pub async fn put_back(run: &mut Begun, stop: &Stop) -> Result<usize> {
    if !run.has_kept_keys {
        return Ok(0);
    }
    let put_back = PutBack {
        target: run.target.clone(),
        membership: run.control.membership(),
        jobs: run.base.settings.jobs.index,
        stop: stop.clone(),
    };
    let all = put_back.all();
    tokio::pin!(all);
    let result = loop {
        tokio::select! {
            result = &mut all => break result,
            () = stop.requested_now() => break Err(crate::tools::child::stopped()),
            // Who goes on with the plan looks whether the target has lost anything.
            event = run.control.event() => match event {
                Event::Lost(error) => tracing::warn!("{error}; opening another"),
                Event::Back { .. } => run.control.go_on(),
                Event::Gone(error) => break Err(error),
            },
        }
    };
    run.has_kept_keys = false;
    result.map_err(|error| {
        Error::new(Kind::Target, format!("foreign keys were not put back: {error}")).hint(
            "Continue with the same command and --resume: table pgcopydb.foreign_key on the target \
             has what they were.",
        )
    })
}
