//! What scripts depend on.

mod files;
mod options;
mod output;
mod secrets;
