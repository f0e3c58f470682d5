-- store.sql: a file of the change store, cdc/*-output.db in the work directory.
-- Run once, in the transaction that makes the file ours. A position is a chunk's number times 2^32
-- plus an offset in its frames. LSNs are integers of 64 bits, bit for bit.

-- What the file is for, and how far everything that was sent is in it or in an earlier file.
create table store (
    id integer primary key check (id = 1),
    plugin text not null,
    slot text not null,
    base_lsn integer not null,
    stored_lsn integer not null
);

-- Messages of the plugin as they came, one after the other: length of the payload (4 bytes), LSN
-- (8 bytes), payload; big-endian.
create table chunk (
    id integer primary key,
    frames blob not null
);

-- Whole transactions in the order of their commits; what no transaction covers means nothing.
create table transactions (
    id integer primary key,
    first integer not null,
    past_last integer not null,
    end_lsn integer not null unique
);

-- Descriptions of tables, which later transactions build upon.
create table relation (
    position integer primary key,
    frame blob not null
);
