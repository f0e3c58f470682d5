-- step_failed: a step has failed.
-- ?1 key, ?2 now, ?3 server, ?4 SQLSTATE, ?5 message, ?6 detail, ?7 hint, ?8 statement
update step
   set state = 'failed', ended = ?2, duration_ms = ?2 - started,
       server = ?3, sqlstate = ?4, error = ?5, detail = ?6, hint = ?7, command = ?8
 where key = ?1
