//! A lot of everything: rows and large objects that fit into no buffer, thousands of tables.

use std::time::Duration;

use pgcopydb_testkit::{Output, Pair, Program, workload};

use crate::support::clone;

/// What the program may take of the memory, whatever it copies.
const MEMORY_KB_MAX: u64 = 100 * 1024;

/// Runs the program to its end and looks at the most memory it had.
fn run_watched(program: &Program) -> (Output, u64) {
    let mut running = program.spawn();
    let status = format!("/proc/{}/status", running.pid());
    let mut peak = 0;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(now.unwrap_or(0));
        if let Some(output) = running.wait_timeout(Duration::from_millis(5)) {
            assert!(peak > 0, "no memory was seen: {output}");
            return (output, peak);
        }
    }
}

#[track_caller]
fn run_within_memory(program: &Program) -> Output {
    let (output, peak) = run_watched(program);
    output.assert_success();
    assert!(peak < MEMORY_KB_MAX, "{peak} kB: {output}");
    output
}

#[test]
fn a_row_of_two_hundred_megabytes() {
    let pair = Pair::shared();
    pair.source.sql(
        "create table wide (id int primary key, t text, b bytea);
         insert into wide values (1, 'small', 'small');
         insert into wide select 2, repeat('0123456789abcde' || chr(10), 200 * 65536), null",
    );
    let content = "select string_agg(concat(id, ' ', octet_length(t), ' ', md5(t), ' ',
                                            octet_length(b), ' ', md5(b)), ',' order by id)
                     from wide";
    let program = clone(&pair).args(["--restart", "-c", "--skip-vacuum"]);
    run_within_memory(&program.clone().args(["--copy-format", "text"]));
    assert_eq!(pair.target.value(content), pair.source.value(content));

    let bytes = "repeat(chr(1) || chr(255) || 'abc' || chr(10) || chr(92) || 'N', 200 * 131072)";
    pair.source
        .sql(&format!("update wide set t = null, b = convert_to({bytes}, 'LATIN1') where id = 2"));
    run_within_memory(&program);
    assert_eq!(pair.target.value(content), pair.source.value(content));
}

#[test]
fn a_large_object_of_three_hundred_megabytes() {
    let pair = Pair::shared();
    pair.source.sql(
        "select lo_create(7);
         select count(lo_put(7, i * 1048576::bigint,
                             convert_to(repeat(md5(i::text), 32768), 'UTF8')))
           from generate_series(0, 299) i;
         select lo_put(7, 300 * 1048576, 'and a bit');
         select lo_create(8), lo_put(8, 5000000, 'after a hole');",
    );
    run_within_memory(&clone(&pair));
    let content = "select sum(hashtextextended(encode(lo_get(7, i * 1048576::bigint, 1048576),
                                                      'escape'), i)),
                          md5(lo_get(8))
                     from generate_series(0, 300) i";
    assert_eq!(pair.target.value(content), pair.source.value(content));
}

#[test]
fn thousands_of_tables() {
    let pair = Pair::shared();
    pair.source.sql(&workload::tables(1_000));
    run_within_memory(&clone(&pair));
    pair.assert_same();
}

#[test]
fn thousands_of_large_objects() {
    let pair = Pair::shared();
    pair.source.sql(&workload::large_objects(4_000));
    run_within_memory(&clone(&pair));
    pair.assert_same();
}

#[test]
fn large_objects_of_some_size_are_several_batches() {
    let pair = Pair::shared();
    pair.source.sql(
        "select count(lo_from_bytea(i::oid, decode(repeat(md5(i::text), 65536), 'hex')))
           from generate_series(1, 20) i;
         select lo_create(21);
         comment on large object 3 is 'of a megabyte'; comment on large object 21 is 'empty'",
    );
    let output = clone(&pair).arg("--verbose").run();
    output.assert_success();
    output.assert_stderr_has("copy large objects 3/3: 5 rows");
    pair.assert_same();
    // All that belongs to them was copied with them.
    let archive = pair.directory().join("pgcopydb/schema/schema.dump");
    let list = Program::new(pair.newer_version().program("pg_restore")).arg("-l").arg(&archive);
    let list = list.run();
    list.assert_success();
    assert!(!list.stdout.to_lowercase().contains("blob"), "{list}");
    assert!(!list.stdout.contains("LARGE OBJECT"), "{list}");
}
