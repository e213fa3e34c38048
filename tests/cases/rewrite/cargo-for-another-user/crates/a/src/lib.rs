//! A program, or a part of one, of a project that is made up.
pub fn a() -> u8 {
    1
}
