//! How following goes: the operator's row, and what the tasks have noted of themselves.

use serde_json::{Map, Value};

use crate::error::{Error, Kind, Result};
use crate::model::{FollowStatus, Lsn, Sentinel, TaskStatus};

/// Milliseconds after which a note says nothing about the present any more: its process is gone.
const NOTE_AGE_MAX: i64 = 60_000;

/// One value of following, or all of them, each on a line.
pub fn text(sentinel: &Sentinel, status: &FollowStatus, only: Option<&str>, now: i64) -> String {
    let values = values(sentinel, status, now);
    if let Some(only) = only {
        let value = values.into_iter().find(|(name, _)| *name == only);
        return value.map_or_else(String::new, |(_, value)| format!("{}\n", words(&value)));
    }
    let known = values.into_iter().filter(|(_, value)| !value.is_null());
    known.map(|(name, value)| format!("{name:<15} {}\n", words(&value))).collect()
}

/// The same as an object.
pub fn json(
    sentinel: &Sentinel,
    status: &FollowStatus,
    only: Option<&str>,
    now: i64,
) -> Result<String> {
    let mut object = object(sentinel, status, now);
    object.retain(|name, _| only.is_none_or(|only| only == name));
    let text = serde_json::to_string_pretty(&object);
    Ok(text.map_err(|error| Error::new(Kind::Internal, error.to_string()))? + "\n")
}

/// All values, those that nobody knows as null.
pub fn object(sentinel: &Sentinel, status: &FollowStatus, now: i64) -> Map<String, Value> {
    let values = values(sentinel, status, now);
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "enabled".to_owned(),
        Value::Bool(false) => "disabled".to_owned(),
        other => other.to_string(),
    }
}

fn values(sentinel: &Sentinel, status: &FollowStatus, now: i64) -> Vec<(&'static str, Value)> {
    let (receive, apply) = (status.receive.as_ref(), status.apply.as_ref());
    let end = receive.map(|task| Lsn(task.position).max(sentinel.write_lsn));
    let done = sentinel.replay_lsn.0.max(apply.map_or(0, |task| task.position));
    let is_behind = sentinel.flush_lsn.0 > done;
    // Whatever is before the beginning was copied.
    let done = done.max(sentinel.startpos.0);
    let since = receive.and_then(|task| task.behind_since).filter(|_| is_behind);
    let seconds = match (since, is_behind) {
        (Some(since), _) => Some((now - since).max(0) / 1000),
        (None, true) => None,
        (None, false) => receive.map(|_| 0),
    };
    let errors = [receive, apply].into_iter().flatten().filter(|task| task.last_error.is_some());
    let error = errors.max_by_key(|task| task.last_error_at);
    let noted = [receive, apply].into_iter().flatten().map(|task| task.noted_at).max();
    vec![
        ("startpos", sentinel.startpos.to_string().into()),
        ("endpos", sentinel.endpos.to_string().into()),
        ("apply", sentinel.apply.into()),
        ("write_lsn", sentinel.write_lsn.to_string().into()),
        ("flush_lsn", sentinel.flush_lsn.to_string().into()),
        ("replay_lsn", sentinel.replay_lsn.to_string().into()),
        ("source_lsn", end.map(|end| end.to_string()).into()),
        ("lag_bytes", end.map(|end| end.0.saturating_sub(done)).into()),
        ("lag_seconds", seconds.into()),
        ("receive_rate", receive.map(|task| rate(task, now)).into()),
        ("apply_rate", apply.map(|task| rate(task, now)).into()),
        ("receive_waits", waits(receive, now)),
        ("apply_waits", waits(apply, now)),
        ("last_error", error.and_then(|task| task.last_error.clone()).into()),
        ("last_error_at", error.and_then(|task| task.last_error_at).map(time).into()),
        ("noted_at", noted.map(time).into()),
    ]
}

fn is_present(task: &TaskStatus, now: i64) -> bool {
    now - task.noted_at < NOTE_AGE_MAX
}

fn rate(task: &TaskStatus, now: i64) -> u64 {
    if is_present(task, now) { task.bytes_per_second } else { 0 }
}

fn waits(task: Option<&TaskStatus>, now: i64) -> Value {
    task.filter(|task| is_present(task, now)).and_then(|task| task.waits_for.clone()).into()
}

fn time(milliseconds: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(milliseconds);
    time.map_or_else(|_| String::new(), |time| format!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentinel() -> Sentinel {
        Sentinel {
            startpos: Lsn(0x10),
            apply: true,
            write_lsn: Lsn(0x100),
            flush_lsn: Lsn(0x100),
            replay_lsn: Lsn(0x40),
            ..Sentinel::default()
        }
    }

    fn status() -> FollowStatus {
        let receive = TaskStatus {
            noted_at: 100_000,
            bytes_per_second: 7,
            position: 0x200,
            behind_since: Some(90_500),
            last_error: Some("cut off".to_owned()),
            last_error_at: Some(50_000),
            ..TaskStatus::default()
        };
        let apply = TaskStatus {
            noted_at: 99_000,
            bytes_per_second: 5,
            position: 0x80,
            waits_for: Some("somebody".to_owned()),
            ..TaskStatus::default()
        };
        FollowStatus { receive: Some(receive), apply: Some(apply) }
    }

    #[test]
    fn the_published_lines_come_first_and_only_what_is_known_follows() {
        let nothing = FollowStatus::default();
        let published = "startpos        0/10\nendpos          0/0\napply           enabled\n\
                         write_lsn       0/100\nflush_lsn       0/100\nreplay_lsn      0/40\n";
        assert_eq!(text(&sentinel(), &nothing, None, 0), published);
        let all = text(&sentinel(), &status(), None, 100_500);
        assert_eq!(
            all.strip_prefix(published),
            Some(
                "source_lsn      0/200\nlag_bytes       384\nlag_seconds     10\n\
                 receive_rate    7\napply_rate      5\napply_waits     somebody\n\
                 last_error      cut off\nlast_error_at   1970-01-01T00:00:50.000Z\n\
                 noted_at        1970-01-01T00:01:40.000Z\n"
            )
        );
        assert_eq!(text(&sentinel(), &status(), Some("replay_lsn"), 0), "0/40\n");
    }

    #[test]
    fn before_anything_is_applied_the_target_has_what_was_copied() {
        let sentinel = Sentinel { replay_lsn: Lsn::NONE, startpos: Lsn(0x1F0), ..sentinel() };
        let status = FollowStatus { apply: None, ..status() };
        let object = object(&sentinel, &status, 100_500);
        assert_eq!(object["lag_bytes"], 0x10);
        assert_eq!(object["replay_lsn"], "0/0");
    }

    #[test]
    fn what_is_applied_is_not_behind_and_old_notes_say_nothing_of_now() {
        let mut status = status();
        if let Some(apply) = &mut status.apply {
            apply.position = 0x200;
        }
        let object = object(&sentinel(), &status, 1_000_000);
        assert_eq!(object["lag_bytes"], 0);
        assert_eq!(object["lag_seconds"], 0);
        assert_eq!(object["apply_rate"], 0);
        assert_eq!(object["apply_waits"], Value::Null);
        assert_eq!(object["last_error"], "cut off");
    }
}
