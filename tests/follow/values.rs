//! Values of all types of the server, byte by byte, with every identity and through every plugin.

use pgcopydb_testkit::Pair;

use super::Followed;
use super::kinds::plugins;

/// Column, type, values.
type Column = (&'static str, &'static str, &'static [&'static str]);

/// Types of which wal2json may write null for what is no number.
const NUMBERS: &[Column] = &[
    (
        "num",
        "numeric",
        &["'NaN'", "'infinity'", "'-infinity'", "1.50", "1.5", "0.0000000001", "1e300"],
    ),
    ("f4", "real", &["'NaN'", "'-0'", "1.4e-45", "3.4028235e38", "0.1", "'-infinity'", "0"]),
    (
        "f8",
        "float8",
        &["'NaN'", "'-0'", "5e-324", "1.7976931348623157e308", "0.1", "'infinity'", "0"],
    ),
    ("nums", "numeric[]", &["'{NaN,null,1.50}'", "'{}'", "'{{1,2},{3,4}}'", "'[2:3]={1,2}'"]),
];

/// The same, of values that are numbers.
const PLAIN_NUMBERS: &[Column] = &[
    (
        "num",
        "numeric not null",
        &["1.50", "1.5", "0.0000000001", "1e300", "12345678901234567890.123"],
    ),
    ("f4", "real not null", &["1.4e-45", "3.4028235e38", "0.1", "0"]),
    ("f8", "float8 not null", &["5e-324", "1.7976931348623157e308", "0.1", "0"]),
];

const COLUMNS: &[Column] = &[
    ("b", "boolean", &["true", "false"]),
    ("ch", "\"char\"", &["'x'", "''", "'\"'"]),
    ("nm", "name", &["'a \"name\"'", "''"]),
    (
        "by",
        "bytea",
        &[
            "(select string_agg(set_byte('\\x00'::bytea, 0, g), '' order by g)
        from generate_series(0, 255) g)",
            "''",
            "'\\x5c27'",
        ],
    ),
    ("i2", "smallint", &["-32768", "32767"]),
    ("i4", "integer", &["-2147483648", "2147483647"]),
    ("i8", "bigint", &["-9223372036854775808", "9007199254740993"]),
    ("mo", "money", &["'-92233720368547758.08'", "'0.01'"]),
    (
        "tx",
        "text",
        &[
            "E'a''b\"\\\\c\\n\\t\\r\\u00e9\\U0001F600'",
            "''",
            "'null'",
            "E'\\x01\\x1f\\x7f'",
            "'{}'",
            "'(no-tuple-data)'",
            "'unchanged-toast-datum'",
            "E'\\\\N'",
            "E'x\\' new-tuple: id[integer]:1'",
        ],
    ),
    ("vc", "varchar(5)", &["'ab   '", "'abcde'"]),
    ("bp", "character(5)", &["'a'", "''"]),
    (
        "da",
        "date",
        &["'infinity'", "'-infinity'", "'4713-01-01 BC'", "'5874897-12-31'", "'2026-02-03'"],
    ),
    ("ti", "time", &["'24:00:00'", "'00:00:00.000001'"]),
    ("tz", "timetz", &["'23:59:59.999999+15:59'", "'00:00:00-15:59:59'"]),
    (
        "ts",
        "timestamp",
        &["'infinity'", "'0044-03-15 12:00:00.000001 BC'", "'294276-12-31 23:59:59.999999'"],
    ),
    (
        "tt",
        "timestamptz",
        &["'-infinity'", "'4713-01-01 00:00:00 BC'", "'2026-06-01 12:00:00.5+05:30'"],
    ),
    (
        "iv",
        "interval",
        &[
            "'-1 year -2 mons +3 days -04:05:06.789'",
            "'24:00:00'",
            "'1 day'",
            "'178000000 years'",
            "'-00:00:00.000001'",
        ],
    ),
    ("ii", "inet", &["'192.168.0.1/24'", "'::1'", "'0.0.0.0/0'"]),
    ("ci", "cidr", &["'10.0.0.0/8'", "'2001:db8::/32'"]),
    ("ma", "macaddr", &["'08:00:2b:01:02:03'"]),
    ("m8", "macaddr8", &["'08:00:2b:01:02:03:04:05'"]),
    ("bi", "bit(4)", &["B'1010'", "B'0000'"]),
    ("bv", "varbit", &["B''", "B'10101010101010101'"]),
    ("tv", "tsvector", &["'''a ''''b'':1A,2 c:3'", "''"]),
    ("tq", "tsquery", &["'a & !(b | c:*A)'", "''"]),
    ("uu", "uuid", &["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"]),
    ("xm", "xml", &["'<a b=\"c\">&amp;''</a>'", "'text'"]),
    ("js", "json", &["'{\"a\" : 1.0,  \"a\": [null, \"\\u0041''\"]}'", "'\"\"'", "'null'"]),
    ("jb", "jsonb", &["'{\"b\": 1.00, \"a\": \"''\\\"\"}'", "'null'", "'[1e400]'"]),
    ("jp", "jsonpath", &["'$.a[*] ? (@ > 1)'"]),
    ("po", "point", &["'(1.5,-0)'", "'(NaN,infinity)'"]),
    ("li", "line", &["'{1,2,3}'"]),
    ("ls", "lseg", &["'[(1,2),(3,4)]'"]),
    ("bo", "box", &["'(3,4),(1,2)'"]),
    ("pa", "path", &["'[(1,2),(3,4)]'", "'((1,2),(3,4))'"]),
    ("pg", "polygon", &["'((1,2),(3,4),(5,6))'"]),
    ("cr", "circle", &["'<(1,2),3>'"]),
    ("r4", "int4range", &["'[1,5)'", "'empty'", "'(,)'"]),
    ("rn", "numrange", &["'[1.50,2]'", "'(,1]'"]),
    ("rt", "tsrange", &["'[2026-01-01 00:00,infinity)'", "'empty'"]),
    ("mr", "int4multirange", &["'{[1,3),[5,8)}'", "'{}'"]),
    ("mt", "tstzmultirange", &["'{[2026-01-01 00:00+00,2026-02-01 00:00+00)}'"]),
    ("oi", "oid", &["4294967295"]),
    ("ls2", "pg_lsn", &["'FFFFFFFF/FFFFFFFF'", "'0/0'"]),
    ("x8", "xid8", &["'18446744073709551615'"]),
    ("td", "tid", &["'(4294967295,65535)'"]),
    ("sn", "pg_snapshot", &["'10:20:10,14'"]),
    ("en", "\"Mo od\"", &["'sa''d'", "'\"o k\"'", "''"]),
    ("dm", "\"Do main\"", &["'x''y'"]),
    (
        "cp",
        "\"Pa ir\"",
        &["row(1, 'a,\"b')::\"Pa ir\"", "row(null, '')::\"Pa ir\"", "row(null, null)::\"Pa ir\""],
    ),
    (
        "ta",
        "text[]",
        &["array['a''b', null, '', 'NULL', '{\"}', E'\\\\']", "'{}'", "'[0:1]={a,b}'"],
    ),
    ("ba", "bytea[]", &["array['\\x00ff'::bytea, null]"]),
    ("bxa", "box[]", &["array['(3,4),(1,2)'::box, '(1,1),(0,0)']"]),
    ("ca", "\"Pa ir\"[]", &["array[row(1, 'x')::\"Pa ir\", null]"]),
    ("ea", "\"Mo od\"[]", &["'{\"sa''d\",\"\\\"o k\\\"\"}'"]),
    ("rr", "\"Ra nge\"", &["'[a,b)'", "'[\"(\",\")\")'"]),
    ("\"Co\"\"l um[n]:'x\"", "text", &["'hostile'", "''"]),
];

const TYPES: &str = "
    create type \"Mo od\" as enum ('', 'sa''d', '\"o k\"');
    create type \"Pa ir\" as (a int, \"b c\" text);
    create domain \"Do main\" as text check (value <> 'never');
    create type \"Ra nge\" as range (subtype = text);
    do $$ begin
      -- What sessions write by default must not matter.
      execute format('alter database %I set datestyle = ''SQL, DMY''', current_database());
      execute format('alter database %I set intervalstyle = ''sql_standard''', current_database());
      execute format('alter database %I set bytea_output = ''escape''', current_database());
      execute format('alter database %I set extra_float_digits = 0', current_database());
      execute format('alter database %I set timezone = ''Asia/Kolkata''', current_database());
    end $$;";

/// Tables of all types, with each kind of identity; and what fills them.
fn tables(columns: &[Column]) -> (String, Vec<String>) {
    let definitions: Vec<String> =
        columns.iter().map(|(name, kind, _)| format!("{name} {kind}")).collect();
    let definitions = definitions.join(", ");
    let schema = format!(
        "{TYPES}
         create table \"k ey\" (id int primary key, {definitions});
         create table full_row (id int, {definitions});
         alter table full_row replica identity full;
         create table by_index (id int, code text not null unique, {definitions});
         alter table by_index replica identity using index by_index_code_key;"
    );
    let rows = columns.iter().map(|(_, _, values)| values.len()).max().unwrap_or(0);
    let row = |row: usize| -> String {
        let value = |column: &Column| column.2[row % column.2.len()];
        columns.iter().map(value).collect::<Vec<_>>().join(", ")
    };
    (schema, (0..rows).map(row).collect())
}

fn arrive(plugin: &str, columns: &[Column], has_nulls: bool) -> String {
    let (schema, rows) = tables(columns);
    let followed = Followed::on(Pair::start(), &schema);
    let words = ["--debug", "--plugin", plugin];
    let running = followed.program("clone --follow").args(words).spawn();
    running.wait_for_stderr("applying changes after");
    let source = &followed.pair.source;
    for (id, row) in rows.iter().enumerate() {
        source.sql(&format!(
            "insert into \"k ey\" values ({id}, {row});
             insert into full_row values ({id}, {row}), ({id}, {row});
             insert into by_index values ({id}, 'c''{id}', {row})"
        ));
    }
    if has_nulls {
        source.sql(
            "insert into \"k ey\" (id) values (1000); insert into full_row (id) values (null)",
        );
    }
    // Each value over the one of another row; then a row that had it is found by it.
    let set: Vec<String> =
        columns.iter().map(|(name, _, _)| format!("{name} = o.{name}")).collect();
    let set = set.join(", ");
    let count = rows.len();
    source.sql(&format!(
        "update \"k ey\" t set {set} from full_row o where t.id < 3 and o.id = (t.id + 1) % {count};
         update \"k ey\" set id = id + 100 where id in (0, 4);
         update by_index t set {set}, code = code || '''new' from full_row o
          where t.id < 2 and o.id = (t.id + 1) % {count};
         update by_index set tx = 'x' where id = 3;
         update full_row set id = -id - 1 where ctid in (select max(ctid) from full_row group by id);
         update full_row set tx = tx || '!' where ctid in (select min(ctid) from full_row group by id);
         delete from full_row where id in (0, 3, -2) or ctid = (select max(ctid) from full_row);
         delete from by_index where id = 2; delete from \"k ey\" where id = 2"
    ));
    let output = followed.end(running);
    output.assert_success();
    followed.assert_same();
    output.stderr
}

#[test]
fn values_in_binary_form_arrive_byte_by_byte() {
    const SAFE: &[&str] = &[
        "num",
        "f4",
        "f8",
        "b",
        "ch",
        "nm",
        "by",
        "i2",
        "i4",
        "i8",
        "tx",
        "vc",
        "bp",
        "da",
        "ti",
        "tz",
        "ts",
        "tt",
        "ii",
        "ci",
        "ma",
        "m8",
        "bi",
        "bv",
        "uu",
        "js",
        "jb",
        "oi",
        "\"Co\"\"l um[n]:'x\"",
    ];
    let all = [NUMBERS, COLUMNS].concat();
    let columns: Vec<Column> = all.into_iter().filter(|(name, _, _)| SAFE.contains(name)).collect();
    assert_eq!(columns.len(), SAFE.len());
    let stderr = arrive("pgoutput", &columns, true);
    assert!(stderr.contains("values come in binary form"), "{stderr}");
    assert!(!stderr.contains("text form"), "{stderr}");
    assert!(!stderr.contains("one by one"), "{stderr}");
}

#[test]
fn values_of_every_type_arrive_byte_by_byte() {
    for plugin in plugins() {
        eprintln!("through {plugin}");
        let numbers = if plugin == "wal2json" { PLAIN_NUMBERS } else { NUMBERS };
        arrive(plugin, &[numbers, COLUMNS].concat(), plugin != "wal2json");
    }
}

#[test]
fn of_values_that_are_equal_the_same_is_meant() {
    let schema =
        "create table t (n numeric not null, f float8 not null, i interval, j jsonb, a text);
         alter table t replica identity full;
         insert into t values (1.5, 0, '24:00:00', '1.0', 'x'), (1.50, '-0', '1 day', '1.00', 'x'),
                              (1.500, 0, '1 day', '1', 'x')";
    for plugin in plugins() {
        super::kinds::arrives_through(
            plugin,
            schema,
            "delete from t where n::text = '1.50'; update t set a = 'last' where n::text = '1.500'",
        );
    }
}
