//! Everything that needs real servers or the program itself, in one binary.

mod clone;
mod contract;
mod support;
mod versions;
