//! The shell layer: scripts and what is read from them, as tables; and what holds for every script.

mod cases;
mod properties;
mod rendering;
mod sequence;
