//! What scripts depend on.

mod options;
