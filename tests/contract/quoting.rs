//! Names and texts as they stand in SQL: what the server itself would write, and what it reads
//! back, whatever is in them.

use pgcopydb::model::{quote_identifier, quote_literal};
use pgcopydb_testkit::{Cluster, Pair, Version};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};

const NAMES: usize = 3_000;

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> String {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    String::from_utf8((0..text.len()).step_by(2).map(digit).collect()).unwrap()
}

/// Texts of all kinds, none with a zero byte, which no text of PostgreSQL has.
fn texts() -> Vec<String> {
    let text = prop_oneof![
        "[a-z_][a-z0-9_]{0,9}",
        "[a-zA-Z0-9_$\"'\\\\ .;-]{1,12}",
        "[^\\x00]{1,20}",
        "(\"|'|\\\\|--|/\\*|E'|\\$\\$|;|\n|\r|\t| )[a-z\"'\\\\]{0,6}",
    ];
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = seed.unwrap().as_secs();
    eprintln!("seed {seed}");
    let config = Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() };
    let mut runner = TestRunner::new(config);
    (0..NAMES).map(|_| text.new_tree(&mut runner).unwrap().current()).collect()
}

/// What a function makes of texts, on the server.
fn asked(cluster: &Cluster, settings: &str, function: &str, texts: &[String]) -> Vec<String> {
    let values: Vec<String> =
        texts.iter().enumerate().map(|(n, text)| format!("({n}, '{}')", hex(text))).collect();
    let sql = format!(
        "{settings};
         select encode(convert_to({function}, 'UTF8'), 'hex')
           from (select n, convert_from(decode(h, 'hex'), 'UTF8') as given
                   from (values {}) as v (n, h)) as t
          order by n",
        values.join(",")
    );
    cluster.sql("postgres", &sql).lines().map(unhex).collect()
}

#[track_caller]
fn assert_quoted_as_the_server_does(cluster: &Cluster) {
    let mut names = texts();
    names.extend(
        cluster.sql("postgres", "select word from pg_get_keywords()").lines().map(str::to_owned),
    );
    let theirs = asked(cluster, "", "quote_ident(given)", &names);
    let ours: Vec<String> = names.iter().map(|name| quote_identifier(name)).collect();
    assert_eq!(theirs.len(), ours.len());
    for ((name, ours), theirs) in names.iter().zip(&ours).zip(&theirs) {
        // A newer server may know a word that this one does not.
        let is_newer_word = *ours == format!("\"{name}\"") && theirs == name;
        assert!(ours == theirs || is_newer_word, "{name:?}: {ours} here, {theirs} there");
    }
    let read = asked(cluster, "", "(parse_ident(given))[1]", &ours);
    assert_eq!(read, names);

    let theirs = asked(cluster, "", "quote_literal(given)", &names);
    let ours: Vec<String> = names.iter().map(|text| quote_literal(text)).collect();
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours.trim_start(), theirs);
    }
    cluster.sql(
        "postgres",
        "create or replace function evaluated(sql text) returns text language plpgsql as $$
         declare result text;
         begin execute 'select ' || sql into result; return result; end $$",
    );
    for conforming in ["on", "off"] {
        let settings = format!(
            "set standard_conforming_strings = {conforming}; set escape_string_warning = off"
        );
        assert_eq!(asked(cluster, &settings, "evaluated(given)", &ours), names, "{conforming}");
    }
}

#[test]
fn names_and_texts_are_quoted_as_the_server_does() {
    let pair = Pair::shared();
    assert_quoted_as_the_server_does(pair.target.cluster());
    for version in [Version::oldest(), Version::newest()] {
        if version != Version::default() {
            assert_quoted_as_the_server_does(&Cluster::builder().version(version).start());
        }
    }
}
