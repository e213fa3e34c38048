//! The syntax layer: what a Dockerfile's text is read as.

mod buildkit;
mod instructions;
mod material;
mod mounts;
mod properties;
mod scripts;
mod second_reader;
