//! Everything that needs real servers or the program itself, in one binary.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod clone;
mod commands;
mod compare;
mod contract;
mod filter;
mod follow;
mod report;
mod resume;
mod support;
mod versions;
