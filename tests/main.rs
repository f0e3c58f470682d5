//! Everything that needs real servers or the program itself, in one binary.

mod clone;
mod commands;
mod contract;
mod support;
mod versions;
