//! Tables without rows, or with some of them.

use super::{assert_clone, filtering, shop};

#[test]
fn a_table_without_its_rows() {
    let pair = shop();
    let output = assert_clone(
        &pair,
        "[exclude-table-data]\napp.orders\n",
        "alter table app.items drop constraint items_order_id_fkey;
         delete from app.orders;
         alter table app.items add constraint items_order_id_fkey
           foreign key (order_id) references app.orders not valid;
         refresh materialized view app.by_day; refresh materialized view app.by_month;",
    );
    output.assert_stderr_has("left NOT VALID");
    output.assert_stderr_has("\"items_order_id_fkey\" of app.items");
}

#[test]
fn keys_between_tables_without_rows_are_checked() {
    let pair = shop();
    assert_clone(
        &pair,
        "[exclude-table-data]\napp.~/^(orders|items)$/\n",
        "delete from app.items; delete from app.orders;
         refresh materialized view app.by_day; refresh materialized view app.by_month;",
    );
}

#[test]
fn a_view_that_is_not_filled_and_one_on_it() {
    let pair = shop();
    let output = assert_clone(
        &pair,
        "[exclude-table-data]\napp.by_day\n",
        "refresh materialized view app.by_month with no data;
         refresh materialized view app.by_day with no data;",
    );
    output.assert_stderr_has("leaving out 1 objects, and 1 that need them");
}

#[test]
fn a_partitioned_table_without_its_rows() {
    let pair = shop();
    assert_clone(
        &pair,
        "[exclude-table-data]\naudit.events\naudit.log",
        "alter table audit.remarks drop constraint remarks_event_at_fkey;
         delete from audit.events; truncate only audit.log;
         alter table audit.remarks add constraint remarks_event_at_fkey
           foreign key (event, at) references audit.events not valid;",
    );
}

#[test]
fn only_some_rows() {
    let pair = shop();
    let output = assert_clone(
        &pair,
        "[table-where]\napp.orders = at >= '2024-02-01' and amount <> 999 -- a comment\n\
         \"app\".\"customers\" = id in (select customer from app.orders where at >= '2024-02-01')\n\
         audit.events = id > 100\naudit.events_2024_low=id<400 or id=-1",
        "alter table app.items drop constraint items_order_id_fkey;
         alter table app.orders drop constraint orders_customer_fkey;
         alter table audit.events drop constraint events_customer_fkey;
         alter table audit.remarks drop constraint remarks_event_at_fkey;
         delete from app.customers
          where not id in (select customer from app.orders where at >= '2024-02-01');
         delete from app.orders where not (at >= '2024-02-01' and amount <> 999);
         delete from audit.events where id <= 100;
         delete from audit.events_2024_low where id >= 400;
         alter table app.items add constraint items_order_id_fkey
           foreign key (order_id) references app.orders not valid;
         alter table app.orders add constraint orders_customer_fkey
           foreign key (customer) references app.customers on delete cascade not valid;
         alter table audit.remarks add constraint remarks_event_at_fkey
           foreign key (event, at) references audit.events not valid;
         refresh materialized view app.by_day; refresh materialized view app.by_month;",
    );
    for key in ["orders_customer_fkey", "items_order_id_fkey", "remarks_event_at_fkey"] {
        output.assert_stderr_has(&format!("\"{key}\" of "));
    }
    // No server before 18 has such a key of a partitioned table that is not checked.
    output.assert_stderr_has("foreign key: \"events_customer_fkey\" of audit.events");
}

#[test]
fn some_rows_of_a_table_in_parts() {
    let pair = shop();
    pair.source.sql(
        "create table app.big (id integer, note text);
         insert into app.big select i, repeat('x', 200) from generate_series(1, 20000) i;
         analyze app.big;",
    );
    let output = filtering(&pair, "[table-where]\napp.~/^big$/ = id % 3 = 0 or id is null")
        .args(["--split-tables-larger-than", "500kB"])
        .run();
    output.assert_success();
    output.assert_stderr_has("table app.big is copied in");
    super::assert_target(&pair, "delete from app.big where id % 3 <> 0;");
}

#[test]
fn a_condition_that_is_none_is_refused() {
    let pair = shop();
    for (condition, words) in [
        ("no_such_column = 1", "column \"no_such_column\" does not exist"),
        ("id = 1)", "syntax error"),
        ("count(*) > 1", "aggregate functions are not allowed in WHERE"),
        ("true; drop table app.orders", "syntax error"),
        ("id = is_missing(1)", "function is_missing(integer) does not exist"),
    ] {
        let output = filtering(&pair, &format!("[table-where]\n\napp.orders = {condition}")).run();
        output.assert_code(1);
        output.assert_stderr_has("filters.ini:3: condition of app.orders: ");
        output.assert_stderr_has(words);
    }
}
