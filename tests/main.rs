//! Everything that needs real servers or the program itself, in one binary.

mod clone;
mod commands;
mod contract;
mod resume;
mod support;
mod versions;
