//! Values, errors and presets: what every public type promises, says and takes.

mod presets;
mod read_back;
mod traits;
mod wording;

#[path = "../support/mod.rs"]
mod support;
