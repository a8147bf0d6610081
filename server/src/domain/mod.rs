//! What a PartyInteraction is and how it changes: pure functions, no clock, no I/O.

pub mod collation;
pub mod decimal;
pub mod event;
pub mod extent;
pub mod index;
pub mod interaction;
pub mod json;
pub mod json_patch;
pub mod lens;
pub mod lifecycle;
pub mod merge_patch;
pub mod notification;
pub mod path;
pub mod scalar;
pub mod shape;
mod spelling;
pub mod tree;
