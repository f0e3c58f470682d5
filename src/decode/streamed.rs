//! pgoutput's messages of a transaction that still runs (protocol version 2): blocks of changes,
//! each change with the number of its (sub)transaction, and at last a commit or an abort. Without
//! these numbers they are the messages of version 1, which is what the rest of the house knows.

use bytes::{BufMut, Bytes, BytesMut};

use super::{Malformed, Mark};

/// Tells what a message around such changes is; `None` for all others.
pub(super) fn mark(payload: &[u8]) -> Option<Mark> {
    let xid = |at: usize| payload.get(at..)?.first_chunk::<4>().map(|xid| u32::from_be_bytes(*xid));
    match payload.first()? {
        b'S' => Some(Mark::StreamStart(xid(1)?)),
        b'E' => Some(Mark::StreamStop),
        b'c' => Some(Mark::StreamCommit(xid(1)?)),
        b'A' => Some(Mark::StreamAbort { xid: xid(1)?, of: xid(5)? }),
        _ => None,
    }
}

/// A change of a transaction that still runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its transaction or subtransaction.
    pub xid: u32,
    /// What it is to the store.
    pub mark: Mark,
    /// The message as version 1 has it.
    pub payload: Bytes,
}

/// Reads a change inside a block; `None` for what changes no row.
pub fn change(payload: &[u8]) -> Result<Option<Change>, Malformed> {
    let Some((tag, rest)) = payload.split_first() else {
        return Err(Malformed("a message of pgoutput is empty".to_owned()));
    };
    match tag {
        b'I' | b'U' | b'D' | b'T' | b'R' => {}
        b'M' | b'Y' | b'O' => return Ok(None),
        tag => {
            let tag = char::from(*tag).escape_default();
            return Err(Malformed(format!("a message of kind '{tag}' in a block of changes")));
        }
    }
    let Some((xid, rest)) = rest.split_first_chunk::<4>() else {
        return Err(Malformed("a message of pgoutput ends before its transaction".to_owned()));
    };
    let mut plain = BytesMut::with_capacity(payload.len() - 4);
    plain.put_u8(*tag);
    plain.put_slice(rest);
    let mark = if *tag == b'R' { Mark::Relation } else { Mark::Inside };
    Ok(Some(Change { xid: u32::from_be_bytes(*xid), mark, payload: plain.freeze() }))
}

/// The begin and the commit of version 1 for a commit of a transaction that was sent in blocks.
pub fn begin_and_commit(payload: &[u8]) -> Result<(Bytes, Bytes), Malformed> {
    // Kind, transaction, flags, position of the commit, its end, its time.
    let [b'c', x0, x1, x2, x3, flags, rest @ ..] = payload else {
        return Err(Malformed("a commit of a block of changes is too short".to_owned()));
    };
    let Ok(positions) = <&[u8; 24]>::try_from(rest) else {
        return Err(Malformed("a commit of a block of changes has a wrong length".to_owned()));
    };
    let mut begin = BytesMut::with_capacity(21);
    begin.put_u8(b'B');
    begin.put_slice(&positions[..8]);
    begin.put_slice(&positions[16..]);
    begin.put_slice(&[*x0, *x1, *x2, *x3]);
    let mut commit = BytesMut::with_capacity(26);
    commit.put_slice(&[b'C', *flags]);
    commit.put_slice(positions);
    Ok((begin.freeze(), commit.freeze()))
}

#[cfg(test)]
mod tests {
    use super::super::pgoutput::Decoder;
    use super::*;
    use crate::model::Lsn;
    use crate::model::change::Message;

    #[test]
    fn messages_around_changes() {
        assert_eq!(mark(b"S\0\0\0\x07\x01"), Some(Mark::StreamStart(7)));
        assert_eq!(mark(b"E"), Some(Mark::StreamStop));
        assert_eq!(mark(b"c\0\0\0\x07\0"), Some(Mark::StreamCommit(7)));
        let abort = Mark::StreamAbort { xid: 7, of: 9 };
        assert_eq!(mark(b"A\0\0\0\x07\0\0\0\x09"), Some(abort));
        for cut in [&b""[..], b"S\0\0", b"A\0\0\0\x07\0", b"I"] {
            assert_eq!(mark(cut), None, "{cut:?}");
        }
    }

    #[test]
    fn changes_without_their_transaction_are_those_of_version_1() {
        let relation =
            change(b"R\0\0\0\x09\0\0\0\x07public\0t\0d\0\x01\x01id\0\0\0\0\x17\xff\xff\xff\xff");
        let relation = relation.unwrap().unwrap();
        assert_eq!((relation.xid, relation.mark), (9, Mark::Relation));
        let insert = change(b"I\0\0\0\x0a\0\0\0\x07N\0\x01t\0\0\0\x011").unwrap().unwrap();
        assert_eq!((insert.xid, insert.mark), (10, Mark::Inside));
        let mut decoder = Decoder::default();
        decoder.message(&relation.payload).unwrap();
        assert!(matches!(decoder.message(&insert.payload).unwrap(), Message::Row(_)));
        assert_eq!(change(b"M\0\0\0\x0a").unwrap(), None);
        assert!(change(b"").is_err() && change(b"I\0\0").is_err() && change(b"B\0\0\0\0").is_err());
    }

    #[test]
    fn a_commit_is_a_begin_and_a_commit() {
        let mut payload = b"c\0\0\0\x09\0".to_vec();
        for value in [16_u64, 32, 5] {
            payload.extend_from_slice(&value.to_be_bytes());
        }
        let (begin, commit) = begin_and_commit(&payload).unwrap();
        let mut decoder = Decoder::default();
        let wanted = Message::Begin { xid: 9, commit_lsn: Some(Lsn(16)) };
        assert_eq!(decoder.message(&begin).unwrap(), wanted);
        let wanted = Message::Commit { committed_at: Some(5) };
        assert_eq!(decoder.message(&commit).unwrap(), wanted);
        for end in 0..payload.len() {
            assert!(begin_and_commit(&payload[..end]).is_err(), "{end}");
        }
        payload.push(0);
        assert!(begin_and_commit(&payload).is_err());
    }
}
