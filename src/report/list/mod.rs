//! What the `list` commands print: tables of fixed widths, as scripts take them apart, and JSON.

mod json;
mod progress;
mod schema;
mod text;

pub use json::{
    available_extensions_json, collations_json, databases_json, depends_json, extensions_json,
    requirements_json, sequences_json,
};
pub use progress::{Run, Running, progress, progress_json};
pub use schema::{Setup, index_array, schema, table_array};
pub use text::{
    Dependent, available_extensions, collations, databases, depends, extensions, indexes,
    requirements, sequences, table_parts, tables,
};
