//! The commands that do a share of a clone.

mod bad_input;
mod chain;
mod existing;
mod extensions;
mod foreign_keys;
mod progress;
mod roles;
