//! Tables that the target cuts into other partitions than the source.

use pgcopydb_testkit::Output;

use super::Followed;
use super::kinds::plugins;
use crate::support::pgcopydb;

const CUT: &str = "
    create table p (id int, day int, v text, primary key (id, day)) partition by range (day);
    create table p1 partition of p for values from (0) to (10);
    create table p2 partition of p for values from (10) to (20)";
const CUT_ELSEWHERE: &str = "
    create table p (id int, day int, v text, primary key (id, day)) partition by range (day);
    create table p1 partition of p for values from (0) to (5);
    create table p2 partition of p for values from (5) to (30)";
const PLAIN: &str = "create table p (id int, day int, v text, primary key (id, day))";

/// Rows that come, change, go, and move between partitions on one side or both.
const CHANGES: &str = "
    insert into p select g, g % 20, 'first' from generate_series(1, 100) g;
    update p set day = 12 where day = 3;
    update p set day = 6 where day = 15;
    update p set v = 'new', id = -id where id % 7 = 0;
    delete from p where day in (4, 8, 18);
    begin; insert into p values (500, 9, 'a'), (501, 11, 'b'); update p set day = 1 where id = 501;
    update p set v = 'c' where id = 501; delete from p where id = 500; commit";

/// Follows from a source to a target whose tables were there before.
fn followed(plugin: &str, source: &str, target: &str, changes: &str) -> (Followed, Output) {
    let followed = Followed::new(source);
    followed.pair.target.sql(target);
    let plugin = ["--plugin", plugin];
    followed.program("stream setup").args(plugin).run().assert_success();
    let set = pgcopydb(&followed.pair).args(["stream", "sentinel", "set", "apply"]);
    set.run().assert_success();
    followed.pair.source.sql(changes);
    followed.set_endpos();
    let output = followed.program("stream replay").args(plugin).run();
    (followed, output)
}

#[track_caller]
fn arrives(source: &str, target: &str, changes: &str) {
    for plugin in plugins() {
        let (followed, output) = followed(plugin, source, target, changes);
        output.assert_success();
        let rows = "select * from p order by id, day";
        let [was, is] = [&followed.pair.source, &followed.pair.target].map(|one| one.sql(rows));
        assert_eq!(was, is, "through {plugin}: {output}");
        followed.program("stream cleanup").run().assert_success();
    }
}

#[test]
fn partitions_of_the_source_are_one_table_on_the_target() {
    arrives(CUT, PLAIN, &format!("insert into p values (0, 0, ''); truncate p; {CHANGES}"));
}

#[test]
fn a_table_of_the_source_is_cut_on_the_target() {
    arrives(PLAIN, CUT, &format!("insert into p values (0, 0, ''); truncate p; {CHANGES}"));
}

#[test]
fn partitions_of_the_same_name_have_other_bounds() {
    arrives(CUT, CUT_ELSEWHERE, &format!("insert into p values (0, 0, ''); truncate p; {CHANGES}"));
}

#[test]
fn a_partition_that_was_emptied_and_is_none_on_the_target_is_refused() {
    for target in [PLAIN, CUT_ELSEWHERE] {
        let changes = "insert into p values (1, 1, 'a'), (2, 7, 'b'), (3, 12, 'c'); truncate p1";
        let (followed, output) = followed("pgoutput", CUT, target, changes);
        output.assert_code(7).assert_stderr_has("public.p1");
        output.assert_stderr_has("partition");
        assert_eq!(followed.pair.target.value("select count(*) from p"), "3");
        followed.program("stream cleanup").run().assert_success();
    }
}
