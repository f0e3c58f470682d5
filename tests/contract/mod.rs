//! What scripts depend on.

mod commands;
mod files;
mod lists;
mod options;
mod output;
mod quoting;
mod secrets;
