//! Folders and git repositories as build contexts, on real ones in temporary folders.

mod atomic;
mod disk;
mod git;
