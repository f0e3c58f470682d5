//! Damaged messages: whatever comes, a decoder answers, and asks for a table once at most.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::{Decoder, Numbers, commit_lsn, forbids_binary, mark, streamed};
use crate::model::change::{Message, Relation};
use crate::model::{Plugin, QualifiedName};

/// Whole messages of the plugins, which are then damaged.
fn samples(plugin: Plugin) -> Vec<&'static [u8]> {
    match plugin {
        Plugin::Pgoutput => vec![
            b"B\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\x05\0\0\0\x09",
            b"R\0\0\0\x07public\0t\0d\0\x02\x01id\0\0\0\0\x17\xff\xff\xff\xff\0v\0\0\0\0\x19\xff\xff\xff\xff",
            b"I\0\0\0\x07N\0\x02t\0\0\0\x011n",
            b"I\0\0\0\x07N\0\x02b\0\0\0\x04\0\0\0\x01b\0\0\0\x01x",
            b"U\0\0\0\x07K\0\x02t\0\0\0\x011nN\0\x02t\0\0\0\x012u",
            b"D\0\0\0\x07O\0\x02t\0\0\0\x011t\0\0\0\0",
            b"T\0\0\0\x02\x03\0\0\0\x07\0\0\0\x07",
            b"C\0\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\0\0\x03\0\0\0\0\0\0\0\x05",
            b"S\0\0\0\x07\x01",
            b"A\0\0\0\x07\0\0\0\x09",
            b"c\0\0\0\x07\0\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\0\0\x03\0\0\0\0\0\0\0\x05",
        ],
        Plugin::TestDecoding => vec![
            b"BEGIN 724",
            b"COMMIT 724",
            b"table public.t: INSERT: id[integer]:1 v[character varying[]]:'{\"a b\",c''d}'",
            b"table public.t: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:2 v[\"My.T\"[]]:null",
            b"table public.\"t\": DELETE: id[bit varying]:B'10'",
            b"table public.t: DELETE: (no-tuple-data)",
            b"table public.t, public.t: TRUNCATE: restart_seqs cascade",
            b"message: transactional: 1 prefix: p, sz: 3 content:x\ny",
        ],
        Plugin::Wal2json => vec![
            br#"{"action":"B","xid":724}"#,
            br#"{"action":"C","xid":724}"#,
            br#"{"action":"I","xid":1,"schema":"public","table":"t","columns":[{"name":"id","type":"integer","value":1},{"name":"v","type":"text","value":"\u00e9\"\n"}]}"#,
            br#"{"action":"U","xid":1,"schema":"public","table":"t","columns":[{"name":"id","type":"bytea","value":"00ff"}],"identity":[{"name":"id","type":"numeric","value":-1.5e3}]}"#,
            br#"{"action":"D","xid":1,"schema":"public","table":"t","identity":[{"name":"id","type":"boolean","value":true}]}"#,
            br#"{"action":"T","xid":1,"schema":"public","table":"t"}"#,
        ],
    }
}

/// One damage.
#[derive(Clone, Debug)]
enum Damage {
    Flip(usize, u8),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
    Repeat(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let tokens = prop::sample::select(vec![
        &b"'"[..],
        b"\"",
        b"''",
        b"[",
        b"]",
        b":",
        b" ",
        b"\\",
        b"null",
        b"\xff\xff\xff\xff",
        b"\0",
        b"{",
        b"}",
        b" new-tuple:",
        b" old-key:",
        b"99999999999999999999",
        b"\xc3\x28",
    ]);
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Damage::Flip(at, byte)),
        (any::<usize>(), 1_usize..20).prop_map(|(at, length)| Damage::Remove(at, length)),
        (any::<usize>(), tokens).prop_map(|(at, token)| Damage::Insert(at, token.to_vec())),
        (any::<usize>(), 1_usize..40).prop_map(|(at, length)| Damage::Repeat(at, length)),
    ]
}

fn damaged(message: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut bytes = message.to_vec();
    for damage in damages {
        let length = bytes.len();
        match damage {
            Damage::Flip(at, byte) if length > 0 => bytes[at % length] ^= byte,
            Damage::Remove(at, count) if length > 0 => {
                let from = at % length;
                bytes.drain(from..length.min(from + count));
            }
            Damage::Insert(at, token) => {
                let place = at % (length + 1);
                bytes.splice(place..place, token.iter().copied());
            }
            Damage::Repeat(at, count) if length > 0 => {
                let from = at % length;
                let part = bytes[from..length.min(from + count)].to_vec();
                bytes.splice(from..from, part);
            }
            Damage::Flip(..) | Damage::Remove(..) | Damage::Repeat(..) => {}
        }
    }
    bytes
}

/// What a table looks like that somebody asks for.
fn relation(name: &QualifiedName) -> Arc<Relation> {
    let columns = ["id", "v"].map(str::to_owned).to_vec();
    Arc::new(Relation {
        name: name.clone(),
        columns,
        key: vec![true, false],
        is_full: false,
        types: Vec::new(),
    })
}

fn read(decoder: &mut Decoder, payload: &Bytes) {
    for _ in 0..5 {
        match decoder.message(payload) {
            // TRUNCATE asks for one table after the other.
            Ok(Message::Undescribed(name)) => {
                let relation = relation(&name);
                decoder.describe(name, Some(relation));
            }
            Ok(Message::Row(change)) => {
                let columns = change.relation.columns.len();
                assert_eq!(change.relation.key.len(), columns);
                return;
            }
            _ => return,
        }
    }
    panic!("it asks for the same table for ever: {payload:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn damaged_messages_are_answered(
        plugin in prop::sample::select(Plugin::ALL.to_vec()),
        sample in any::<prop::sample::Index>(),
        damages in prop::collection::vec(damage(), 0..6),
    ) {
        let samples = samples(plugin);
        let bytes = Bytes::from(damaged(samples[sample.index(samples.len())], &damages));
        let mut decoder = Decoder::new(plugin, Numbers::Strings);
        if plugin == Plugin::Pgoutput {
            read(&mut decoder, &Bytes::from_static(samples[1]));
        }
        read(&mut decoder, &bytes);
        // And what came before does not matter.
        read(&mut decoder, &bytes);
        mark(plugin, &bytes);
        commit_lsn(plugin, &bytes);
        forbids_binary(&bytes, true);
        let _ = streamed::change(&bytes);
        let _ = streamed::begin_and_commit(&bytes);
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytes = Bytes::from(bytes);
        for plugin in Plugin::ALL {
            read(&mut Decoder::new(plugin, Numbers::Plain), &bytes);
            mark(plugin, &bytes);
        }
        let _ = streamed::change(&bytes);
        let _ = streamed::begin_and_commit(&bytes);
    }
}
