use std::path::Path;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::decode::Mark;
use crate::model::Plugin;

const BIG: u64 = 1 << 30;

fn owner() -> Owner {
    Owner { plugin: Plugin::Pgoutput, slot: "slot".into() }
}

fn writer(directory: &Path, file_bytes_max: u64) -> Writer {
    Writer::open(directory, &owner(), 1, Lsn(10), file_bytes_max).unwrap()
}

fn message(lsn: u64, mark: Mark, text: &str) -> Incoming {
    Incoming { lsn: Lsn(lsn), payload: Bytes::copy_from_slice(text.as_bytes()), mark }
}

/// A transaction that ends at a position, with one change.
fn transaction(end: u64, text: &str) -> Vec<Incoming> {
    vec![
        message(end - 1, Mark::Begin, "B"),
        message(end - 1, Mark::Inside, text),
        message(end, Mark::Commit, "C"),
    ]
}

fn read_all(reader: &mut Reader, endpos: Option<Lsn>) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        let items = reader.read(endpos).unwrap();
        if items.is_empty() {
            return texts;
        }
        texts.extend(items.iter().map(|item| match item {
            Item::Relation(frame) => format!("relation {}", String::from_utf8_lossy(frame)),
            Item::Message { payload, .. } => String::from_utf8_lossy(payload).into_owned(),
            Item::End(lsn) => lsn.to_string(),
        }));
    }
}

fn reader(directory: &Path, cursor: u64) -> Reader {
    Reader::new(directory.to_owned(), owner(), Lsn(cursor))
}

#[test]
fn whole_transactions_come_out_and_others_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(directory.path(), BIG);
    writer.append(&transaction(20, "one")).unwrap();
    writer.append(&[message(21, Mark::Begin, "B"), message(21, Mark::Inside, "two")]).unwrap();
    assert_eq!(writer.flush().unwrap(), Lsn(20));
    assert!(writer.is_inside());
    let mut reader = reader(directory.path(), 10);
    assert_eq!(read_all(&mut reader, None), ["B", "one", "C", "0/14"]);
    writer.append(&[message(30, Mark::Commit, "C")]).unwrap();
    assert!(read_all(&mut reader, None).is_empty(), "nothing is there before it is durable");
    assert_eq!(writer.flush().unwrap(), Lsn(30));
    assert!(read_all(&mut reader, Some(Lsn(21))).is_empty());
    assert_eq!(read_all(&mut reader, Some(Lsn(30))), ["B", "two", "C", "0/1E"]);
}

#[test]
fn a_transaction_in_which_the_end_position_lies_comes_whole_and_is_the_last() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(directory.path(), BIG);
    writer.append(&[message(21, Mark::Begin, "B"), message(21, Mark::Inside, "one")]).unwrap();
    writer.append(&[message(30, Mark::Commit, "C")]).unwrap();
    writer.append(&[message(22, Mark::Begin, "B"), message(22, Mark::Inside, "two")]).unwrap();
    writer.append(&[message(40, Mark::Commit, "C")]).unwrap();
    writer.flush().unwrap();
    let mut reader = reader(directory.path(), 10);
    assert_eq!(read_all(&mut reader, Some(Lsn(25))), ["B", "one", "C", "0/1E"]);
    assert!(read_all(&mut reader, Some(Lsn(29))).is_empty());
    assert_eq!(read_all(&mut reader, Some(Lsn(31))), ["B", "two", "C", "0/28"]);
}

#[test]
fn what_is_sent_again_is_there_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = writer(directory.path(), BIG);
    first.append(&transaction(20, "one")).unwrap();
    first.append(&[message(21, Mark::Begin, "B"), message(21, Mark::Inside, "cut")]).unwrap();
    first.flush().unwrap();
    first.abandon().unwrap();
    first.append(&transaction(20, "one")).unwrap();
    first.append(&transaction(30, "two")).unwrap();
    first.flush().unwrap();
    drop(first);
    let mut second = writer(directory.path(), BIG);
    assert_eq!(second.stored(), Lsn(30));
    second.append(&transaction(30, "two")).unwrap();
    second.append(&transaction(40, "three")).unwrap();
    second.flush().unwrap();
    let wanted = ["B", "one", "C", "0/14", "B", "two", "C", "0/1E", "B", "three", "C", "0/28"];
    assert_eq!(read_all(&mut reader(directory.path(), 10), None), wanted);
    assert_eq!(read_all(&mut reader(directory.path(), 20), None), wanted[4..]);
}

#[test]
fn descriptions_are_known_wherever_reading_begins() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(directory.path(), 1);
    let mut first = transaction(20, "one");
    first.insert(1, message(19, Mark::Relation, "R0001a"));
    writer.append(&first).unwrap();
    writer.append(&transaction(30, "two")).unwrap();
    writer.flush().unwrap();
    assert_eq!(files(directory.path()).unwrap().len(), 3);
    let wanted = ["relation R0001a", "B", "two", "C", "0/1E"];
    assert_eq!(read_all(&mut reader(directory.path(), 20), None), wanted);
    let from_start = read_all(&mut reader(directory.path(), 10), None);
    assert_eq!(from_start[..5], ["B", "R0001a", "one", "C", "0/14"]);
}

#[test]
fn applied_files_can_go_but_not_the_last() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(directory.path(), 1);
    for end in [20, 30, 40] {
        writer.append(&transaction(end, "x")).unwrap();
        writer.flush().unwrap();
    }
    let count = |applied| prune(directory.path(), Lsn(applied), Removal::Pretended).unwrap().0;
    assert_eq!([10, 19, 20, 35, 40, 99].map(count), [0, 0, 1, 2, 3, 3]);
    prune(directory.path(), Lsn(30), Removal::Done).unwrap();
    assert_eq!(read_all(&mut reader(directory.path(), 30), None), ["B", "x", "C", "0/28"]);
    let missing = reader(directory.path(), 20).read(None).unwrap_err();
    assert!(missing.to_string().contains("missing"), "{missing}");
}

#[test]
fn an_idle_source_moves_the_end_of_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let mut first = writer(directory.path(), BIG);
    assert_eq!(first.advance(Lsn(50)).unwrap(), Lsn(50));
    first.append(&[message(60, Mark::Begin, "B")]).unwrap();
    assert_eq!(first.advance(Lsn(70)).unwrap(), Lsn(50), "not inside a transaction");
    drop(first);
    assert_eq!(writer(directory.path(), BIG).stored(), Lsn(50));
}

#[test]
fn a_file_is_none_until_it_is_made() {
    let directory = tempfile::tempdir().unwrap();
    for number in 0..200 {
        let path = directory.path().join(file_name(1, Lsn(number)));
        std::thread::scope(|scope| {
            scope.spawn(|| file::create(&path, &owner(), Lsn(10)).map(drop).unwrap());
            while !path.exists() || file::open_read_only(&path, &owner()).unwrap().is_none() {}
        });
    }
}

#[test]
fn a_store_of_another_slot_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(writer(directory.path(), BIG));
    let other = Owner { slot: "other".into(), ..owner() };
    assert!(Writer::open(directory.path(), &other, 1, Lsn(10), BIG).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the sizes, and wherever the connection breaks, every transaction is there once.
    #[test]
    fn every_transaction_is_there_once(
        sizes in proptest::collection::vec((0usize..400_000, 0u8..4), 1..12),
        file_bytes_max in prop_oneof![Just(1u64), Just(300_000), Just(BIG)],
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = writer(directory.path(), file_bytes_max);
        let mut wanted = Vec::new();
        let mut unsure = Vec::new();
        for (number, (size, what)) in sizes.iter().enumerate() {
            let end = 20 + 10 * number as u64;
            let text = "x".repeat(*size);
            let messages = transaction(end, &text);
            wanted.extend(["B".to_owned(), text, "C".to_owned(), Lsn(end).to_string()]);
            match what {
                0 => { writer.append(&messages).unwrap(); unsure.push(messages); }
                1 => {
                    writer.append(&messages).unwrap();
                    writer.flush().unwrap();
                    unsure.clear();
                }
                _ => {
                    // Cut in the middle, before or after what is not durable yet.
                    writer.append(&messages[..2]).unwrap();
                    if *what == 2 { writer.flush().unwrap(); }
                    writer.abandon().unwrap();
                    let stored = writer.stored();
                    for again in &unsure {
                        if again[2].lsn > stored { writer.append(again).unwrap(); }
                    }
                    writer.append(&messages).unwrap();
                    writer.flush().unwrap();
                    unsure.clear();
                }
            }
        }
        writer.flush().unwrap();
        prop_assert_eq!(read_all(&mut reader(directory.path(), 10), None), wanted);
    }
}

/// A message of pgoutput with the number of a transaction behind its kind.
fn streamed(kind: u8, xid: u32, text: &str) -> Incoming {
    let mut payload = vec![kind];
    payload.extend_from_slice(&xid.to_be_bytes());
    payload.extend_from_slice(text.as_bytes());
    let mark = crate::decode::mark(Plugin::Pgoutput, &payload);
    Incoming { lsn: Lsn(1), payload: payload.into(), mark }
}

/// A block of inserts of a transaction, each of a subtransaction of it.
fn block(xid: u32, inserts: &[(u32, &str)]) -> Vec<Incoming> {
    let mut block = vec![streamed(b'S', xid, "\x01")];
    block.extend(inserts.iter().map(|(of, text)| streamed(b'I', *of, text)));
    block.push(message(1, Mark::StreamStop, "E"));
    block
}

fn streamed_commit(xid: u32, end: u64) -> Incoming {
    let commit = streamed(b'c', xid, &"\0".repeat(25));
    Incoming { lsn: Lsn(end), ..commit }
}

fn streamed_abort(xid: u32, of: u32) -> Incoming {
    let mut abort = streamed(b'A', xid, "");
    let payload = [&abort.payload[..], &of.to_be_bytes()].concat();
    abort.mark = crate::decode::mark(Plugin::Pgoutput, &payload);
    Incoming { payload: payload.into(), ..abort }
}

#[test]
fn transactions_that_come_while_they_run_are_stored_when_they_commit() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(directory.path(), BIG);
    writer.append(&block(5, &[(5, "a"), (6, "never"), (7, "b")])).unwrap();
    writer.append(&block(9, &[(9, "other")])).unwrap();
    writer.append(&transaction(20, "one")).unwrap();
    writer.append(&[streamed_abort(5, 6)]).unwrap();
    writer.append(&block(5, &[(5, "c")])).unwrap();
    writer.append(&block(11, &[(11, "gone")])).unwrap();
    writer.append(&[streamed_abort(11, 11), streamed_commit(5, 30)]).unwrap();
    assert!(writer.bytes().unwrap() > 0);
    writer.append(&[streamed_commit(9, 40)]).unwrap();
    assert_eq!(writer.flush().unwrap(), Lsn(40));
    let read = read_all(&mut reader(directory.path(), 10), None);
    let short = |text: &String| match text.len() {
        21.. => text[..1].to_owned(),
        _ => text.clone(),
    };
    let read: Vec<String> = read.iter().map(short).collect();
    assert_eq!(
        read,
        ["B", "one", "C", "0/14", "B", "Ia", "Ib", "Ic", "C", "0/1E", "B", "Iother", "C", "0/28"]
    );
}

#[test]
fn what_came_of_running_transactions_is_forgotten_with_the_connection() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(directory.path(), BIG);
    writer.append(&block(5, &[(5, "a")])).unwrap();
    writer.abandon().unwrap();
    let error = writer.append(&[streamed_commit(5, 30)]).unwrap_err();
    assert!(error.to_string().contains("whose beginning was not sent"), "{error}");
    writer.abandon().unwrap();
    writer.append(&block(5, &[(5, "a")])).unwrap();
    writer.append(&[streamed_commit(5, 30)]).unwrap();
    assert_eq!(writer.flush().unwrap(), Lsn(30));
    assert_eq!(read_all(&mut reader(directory.path(), 10), None).len(), 4);
}

/// A block of a transaction of more than 2 MB, in which a table is described and one subtransaction
/// is rolled back.
fn large_block(xid: u32) -> Vec<Incoming> {
    let text = "x".repeat(1 << 20);
    let mut block = vec![streamed(b'S', xid, "\x01"), streamed(b'R', xid + 1, "\0\0\0\x07old")];
    block.extend([xid, xid + 1, xid].map(|of| streamed(b'I', of, &text)));
    block.push(streamed(b'R', xid, "\0\0\0\x07new"));
    block.push(message(1, Mark::StreamStop, "E"));
    block.push(streamed_abort(xid, xid + 1));
    block
}

/// The beginnings of what is read.
fn beginnings(mut reader: Reader, endpos: Option<Lsn>) -> Vec<String> {
    let cut = |text: String| text.chars().take(9).collect::<String>().replace('\0', "");
    read_all(&mut reader, endpos).into_iter().map(cut).collect()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.contains("-output.db")).collect();
    names.sort();
    names
}

const LARGE: [&str; 7] =
    ["B\u{1e}", "R\u{7}old", "Ixxxxxxxx", "Ixxxxxxxx", "R\u{7}new", "C", "0/1E"];

#[test]
fn large_transactions_that_come_while_they_run_keep_their_files() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let mut writer = writer(here, BIG);
    writer.append(&large_block(5)).unwrap();
    assert!(names(here)[0].starts_with("running-"));
    writer.append(&[streamed_commit(5, 30)]).unwrap();
    writer.append(&transaction(40, "small")).unwrap();
    assert_eq!(writer.flush().unwrap(), Lsn(40));
    assert_eq!(names(here), ["00000000-0000001E-changes"]);
    assert!(writer.bytes().unwrap() > 3 << 20);
    let small = ["B", "small", "C", "0/28"];
    let read = beginnings(reader(here, 10), None);
    // The description that counts for what follows comes once more.
    let tail = [&["R\u{7}new"][..], &LARGE[5..], &small].concat();
    assert_eq!(read[1..], [&LARGE[1..5], &tail].concat());
    let described = ["relation ", "B", "small", "C", "0/28"];
    assert_eq!(beginnings(reader(here, 30), None), described);
    // The source sends again what it does not know to be here.
    writer.append(&large_block(5)).unwrap();
    writer.append(&[streamed_commit(5, 30)]).unwrap();
    writer.append(&transaction(50, "later")).unwrap();
    assert_eq!(writer.flush().unwrap(), Lsn(50));
    assert_eq!(names(here), ["00000000-0000001E-changes"]);
    let later = ["relation ", "B", "later", "C", "0/32"];
    assert_eq!(beginnings(reader(here, 10), None)[read.len()..], later);
}

/// A block of 3 MB.
fn part_of(xid: u32, letter: &str) -> Vec<Incoming> {
    let texts = ["1", "2", "3"].map(|number| format!("{letter}{number}{}", "x".repeat(1 << 20)));
    let inserts: Vec<(u32, &str)> = texts.iter().map(|text| (xid, text.as_str())).collect();
    block(xid, &inserts)
}

fn texts(items: Vec<Item>) -> Vec<String> {
    let text = |item| match item {
        Item::Message { payload, .. } => String::from_utf8(payload.to_vec()).unwrap(),
        Item::Relation(_) | Item::End(_) => panic!("{item:?}"),
    };
    items.into_iter().map(text).collect()
}

/// All that has come in of what was begun with.
fn read_on(reader: &mut Reader, ahead: &Ahead) -> Vec<String> {
    let Fate::Open(partial) = ahead.fate(reader.begun().unwrap()) else { panic!("{ahead:?}") };
    let mut all = Vec::new();
    loop {
        let items = reader.read_on(&partial).unwrap();
        if items.is_empty() {
            return all;
        }
        all.extend(texts(items));
    }
}

/// Ends a transaction that was begun with and of which `read` was read before it was whole: together
/// with what comes now it is what whoever begins now reads.
fn end_begun(mut reader: Reader, writer: &mut Writer, read: Vec<String>) {
    writer.flush().unwrap();
    let Fate::Whole(end) = writer.ahead().unwrap().fate(reader.begun().unwrap()) else { panic!() };
    reader.finish(end);
    assert!(reader.misses_begun() && reader.begun().is_none());
    let rest = read_all(&mut reader, None);
    assert!(!reader.misses_begun());
    let all = read_all(&mut self::reader(writer.directory(), 10), None);
    assert!(read.len() > 2 && rest.len() < all.len(), "{} {}", read.len(), rest.len());
    // The begin comes now, or has come.
    let read: Vec<&String> =
        read.iter().chain(&rest).filter(|text| !text.starts_with('B')).collect();
    let all: Vec<&String> = all.iter().filter(|text| !text.starts_with('B')).collect();
    assert!(read == all);
}

#[test]
fn a_running_transaction_that_was_begun_with_goes_on_where_it_was_left() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(directory.path(), BIG);
    let mut reader = reader(directory.path(), 10);
    writer.append(&block(5, &[(5, "small")])).unwrap();
    assert_eq!(writer.ahead().unwrap().partial, None, "too small");
    writer.append(&part_of(5, "a")).unwrap();
    let ahead = writer.ahead().unwrap();
    assert!(reader.begin_with(&ahead.partial.clone().unwrap()).unwrap().unwrap().is_empty());
    let mut read = read_on(&mut reader, &ahead);
    assert_eq!(read.len(), 4);
    let second = part_of(5, "b");
    writer.append(&second[..2]).unwrap();
    read.extend(read_on(&mut reader, &writer.ahead().unwrap()));
    assert_eq!(read.len(), 5);
    writer.append(&second[2..]).unwrap();
    writer.append(&[streamed_commit(5, 30)]).unwrap();
    end_begun(reader, &mut writer, read);
}

#[test]
fn a_transaction_that_comes_in_is_begun_with_and_goes_on_where_it_was_left() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(directory.path(), BIG);
    let large =
        |number: u64| message(21, Mark::Inside, &format!("{number}{}", "x".repeat(300_000)));
    writer.append(&[message(15, Mark::Begin, "B"), message(15, Mark::Relation, "t")]).unwrap();
    writer.append(&[message(20, Mark::Commit, "C"), message(21, Mark::Begin, "B")]).unwrap();
    writer.append(&[large(0)]).unwrap();
    writer.flush().unwrap();
    assert_eq!(writer.ahead().unwrap().partial, None, "too small");
    writer.append(&(1..20).map(large).collect::<Vec<_>>()).unwrap();
    let ahead = writer.ahead().unwrap();
    let partial = ahead.partial.clone().unwrap();
    // Who has not read the store yet does not know where it is.
    let mut reader = reader(directory.path(), 20);
    assert_eq!(reader.begin_with(&partial).unwrap(), None);
    assert!(read_all(&mut reader, None).is_empty());
    let described = reader.begin_with(&partial).unwrap().unwrap();
    assert_eq!(described, [Item::Relation(Bytes::from_static(b"t"))]);
    let mut read = read_on(&mut reader, &ahead);
    assert!(read[0] == "B" && read.len() < 20, "{}", read.len());
    writer.append(&(20..40).map(large).collect::<Vec<_>>()).unwrap();
    read.extend(read_on(&mut reader, &writer.ahead().unwrap()));
    writer.append(&[message(30, Mark::Commit, "C")]).unwrap();
    writer.append(&transaction(40, "later")).unwrap();
    writer.flush().unwrap();
    let number = reader.begun().unwrap();
    assert_eq!(writer.ahead().unwrap().fate(number), Fate::Whole(Lsn(30)));
    reader.finish(Lsn(30));
    read.extend(read_all(&mut reader, None));
    let all = read_all(&mut self::reader(directory.path(), 20), None);
    assert!(read == all[1..], "the description came before");
}

#[test]
fn what_comes_in_again_was_not_begun_with() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(directory.path(), BIG);
    let large =
        |number: u64| message(21, Mark::Inside, &format!("{number}{}", "x".repeat(300_000)));
    writer.append(&[message(21, Mark::Begin, "B")]).unwrap();
    writer.append(&(0..20).map(large).collect::<Vec<_>>()).unwrap();
    let ahead = writer.ahead().unwrap();
    let mut reader = reader(directory.path(), 10);
    assert!(read_all(&mut reader, None).is_empty());
    assert!(reader.begin_with(&ahead.partial.clone().unwrap()).unwrap().is_some());
    read_on(&mut reader, &ahead);
    let number = reader.begun().unwrap();
    writer.abandon().unwrap();
    assert_eq!(writer.ahead().unwrap().fate(number), Fate::Withdrawn);
    writer.append(&[message(21, Mark::Begin, "B")]).unwrap();
    writer.append(&(0..20).map(large).collect::<Vec<_>>()).unwrap();
    let again = writer.ahead().unwrap();
    assert_ne!(again.partial.as_ref().unwrap().number, number);
    assert_eq!(again.fate(number), Fate::Withdrawn);
    writer.append(&[message(30, Mark::Commit, "C")]).unwrap();
    writer.flush().unwrap();
    assert_eq!(writer.ahead().unwrap().fate(number), Fate::Withdrawn);
}

#[test]
fn another_transaction_than_the_one_begun_with_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = writer(directory.path(), BIG);
    writer.append(&part_of(5, "a")).unwrap();
    let partial = writer.ahead().unwrap().partial.unwrap();
    let readers = [10, 30].map(|cursor| {
        let mut reader = reader(directory.path(), cursor);
        assert!(reader.begin_with(&partial).unwrap().is_some());
        reader
    });
    writer.append(&block(5, &[(6, "never")])).unwrap();
    writer.append(&[streamed_abort(5, 6)]).unwrap();
    assert_eq!(writer.ahead().unwrap().fate(partial.number), Fate::Withdrawn);
    writer.append(&[streamed_commit(5, 30)]).unwrap();
    writer.append(&transaction(40, "other")).unwrap();
    writer.flush().unwrap();
    let mut late = reader(directory.path(), 10);
    assert_eq!(late.begin_with(&partial).unwrap(), None, "its file has another name now");
    for mut reader in readers {
        reader.finish(Lsn(30));
        let error = reader.read(None).unwrap_err();
        assert!(error.to_string().contains("another than the one begun with"), "{error}");
    }
}

#[test]
fn what_a_killed_writer_left_of_large_transactions_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let mut first = writer(here, BIG);
    first.append(&large_block(5)).unwrap();
    first.append(&[streamed_commit(5, 30)]).unwrap();
    first.flush().unwrap();
    first.append(&large_block(7)).unwrap();
    first.append(&[streamed_commit(7, 60)]).unwrap();
    first.append(&large_block(9)).unwrap();
    assert_eq!(names(here).len(), 3);
    // It does not come to the end of anything.
    std::mem::forget(first);
    let second = writer(here, BIG);
    assert_eq!(second.stored(), Lsn(30));
    assert_eq!(names(here), ["00000000-0000001E-changes"]);
    assert_eq!(beginnings(reader(here, 10), None).len(), LARGE.len() + 1);
}

#[test]
fn an_end_position_in_a_large_transaction_and_a_file_that_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let mut writer = writer(here, 1 << 20);
    let mut block = large_block(5);
    block.iter_mut().for_each(|message| message.lsn = Lsn(15));
    writer.append(&block).unwrap();
    writer.append(&[streamed_commit(5, 30)]).unwrap();
    writer.flush().unwrap();
    assert_eq!(beginnings(reader(here, 10), Some(Lsn(16))).len(), LARGE.len() + 1);
    assert_eq!(beginnings(reader(here, 10), Some(Lsn(15))).len(), 0);
    // Its size counts: another file begins after it, and both go together.
    writer.append(&transaction(40, "small")).unwrap();
    writer.flush().unwrap();
    assert_eq!(files(here).unwrap().len(), 2);
    let (count, bytes) = prune(here, Lsn(30), Removal::Pretended).unwrap();
    assert!(count == 2 && bytes > 3 << 20, "{count} {bytes}");
    std::fs::write(here.join("00000000-0000001E-changes"), b"too short").unwrap();
    reader(here, 10).read(None).unwrap_err();
    assert_eq!(prune(here, Lsn(30), Removal::Done).unwrap().0, 2);
    assert_eq!(names(here), [""; 0]);
    assert_eq!(beginnings(reader(here, 30), None), ["relation ", "B", "small", "C", "0/28"]);
    let mut writer = self::writer(here, BIG);
    writer.append(&large_block(5)).unwrap();
    writer.append(&[streamed_commit(5, 60)]).unwrap();
    writer.flush().unwrap();
    std::fs::remove_file(here.join("00000000-0000003C-changes")).unwrap();
    let mut reader = reader(here, 40);
    let error = reader.read(None).unwrap_err();
    assert!(error.to_string().contains("00000000-0000003C-changes"), "{error}");
}
