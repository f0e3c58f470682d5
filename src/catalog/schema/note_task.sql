-- note_task: how a task of following goes. Its last error stays until there is another.
-- ?1 name, ?2 noted at, ?3 bytes in a second, ?4 position, ?5 behind since, ?6 waits for,
-- ?7 last error, ?8 when that was
insert into follow_task (name, noted_at, bytes_per_second, position, behind_since, waits_for,
                         last_error, last_error_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
on conflict (name) do update
   set noted_at = excluded.noted_at,
       bytes_per_second = excluded.bytes_per_second,
       position = max(position, excluded.position),
       behind_since = excluded.behind_since,
       waits_for = excluded.waits_for,
       last_error = coalesce(excluded.last_error, last_error),
       last_error_at = coalesce(excluded.last_error_at, last_error_at)
