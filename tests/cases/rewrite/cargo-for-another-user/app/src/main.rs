//! A program, or a part of one, of a project that is made up.
fn main() {
    println!("{}", a::a());
}
