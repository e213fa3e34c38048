//! The forms of Go's regular expressions that an ignore pattern can turn into.
//!
//! Characters, escapes, classes, `^`, a `*` after one of them, `.*` and `(.*/)?`; the whole is anchored at both ends.
//! <https://pkg.go.dev/regexp/syntax>

use std::str::Chars;

use crate::context::glob::{CharSet, Item};
use crate::context::go_match::BadPattern;

/// How "any number of folders" is written.
const FOLDERS: &str = "(.*/)?";

/// Characters of a class, as inclusive ranges.
type Ranges = Vec<(char, char)>;

/// Reads `regexp`.
pub(super) fn read(regexp: &str) -> Result<Vec<Item>, BadPattern> {
    let mut items = Vec::new();
    let mut chars = regexp.chars();
    while !chars.as_str().is_empty() {
        if let Some(after) = chars.as_str().strip_prefix(FOLDERS) {
            items.push(Item::Folders);
            chars = after.chars();
            continue;
        }
        let item = one(&mut chars)?;
        items.push(if eat(&mut chars, '*') { repeated(item) } else { item });
    }
    Ok(items)
}

fn eat(chars: &mut Chars<'_>, expected: char) -> bool {
    let found = chars.as_str().starts_with(expected);
    if found {
        chars.next();
    }
    found
}

fn repeated(item: Item) -> Item {
    match item {
        Item::Char(char) => Item::Repeated(char),
        Item::One(set) => Item::Many(set),
        other => other,
    }
}

fn one(chars: &mut Chars<'_>) -> Result<Item, BadPattern> {
    Ok(match chars.next().ok_or(BadPattern)? {
        '^' => Item::Start,
        '.' => Item::One(CharSet::no_line_break()),
        '[' => Item::One(class(chars)?),
        '\\' => match escape(chars)? {
            Escape::Char(char) => Item::Char(char),
            Escape::Class(ranges, negated) => Item::One(CharSet { ranges, negated }),
        },
        char => Item::Char(char),
    })
}

/// What a `\` and the character after it stand for.
enum Escape {
    Char(char),
    /// The class and whether it is negated.
    Class(Ranges, bool),
}

fn escape(chars: &mut Chars<'_>) -> Result<Escape, BadPattern> {
    let char = chars.next().ok_or(BadPattern)?;
    let ranges = |ranges: &[(char, char)]| Escape::Class(ranges.to_vec(), char.is_ascii_uppercase());
    Ok(match char {
        'd' | 'D' => ranges(&[('0', '9')]),
        's' | 'S' => ranges(&[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')]),
        'w' | 'W' => ranges(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        'a' => Escape::Char('\x07'),
        'f' => Escape::Char('\x0c'),
        'n' => Escape::Char('\n'),
        'r' => Escape::Char('\r'),
        't' => Escape::Char('\t'),
        'v' => Escape::Char('\x0b'),
        // Go has more escapes of letters and digits, none of which can stand for that character itself.
        char if char.is_ascii_alphanumeric() || !char.is_ascii() => return Err(BadPattern),
        char => Escape::Char(char),
    })
}

/// Reads what follows the `[` of a class.
fn class(chars: &mut Chars<'_>) -> Result<CharSet, BadPattern> {
    let negated = eat(chars, '^');
    let mut ranges = Ranges::new();
    let mut first = true;
    while first || !eat(chars, ']') {
        first = false;
        if let Some(posix) = posix_class(chars)? {
            ranges.extend(posix);
            continue;
        }
        let low = match class_char(chars)? {
            Escape::Char(char) => char,
            Escape::Class(class, false) => {
                ranges.extend(class);
                continue;
            }
            Escape::Class(class, true) => {
                ranges.extend(complement(&class));
                continue;
            }
        };
        ranges.push((low, range_end(chars, low)?));
    }
    Ok(CharSet { ranges, negated })
}

fn class_char(chars: &mut Chars<'_>) -> Result<Escape, BadPattern> {
    match chars.next().ok_or(BadPattern)? {
        '\\' => escape(chars),
        char => Ok(Escape::Char(char)),
    }
}

/// The last character of the range that begins with `low`.
fn range_end(chars: &mut Chars<'_>, low: char) -> Result<char, BadPattern> {
    if !chars.as_str().starts_with('-') || chars.as_str().starts_with("-]") {
        return Ok(low);
    }
    chars.next();
    match class_char(chars)? {
        Escape::Char(high) if high >= low => Ok(high),
        _ => Err(BadPattern),
    }
}

/// Reads `[:name:]`; `None` where none is written.
fn posix_class(chars: &mut Chars<'_>) -> Result<Option<Ranges>, BadPattern> {
    let Some((name, after)) = chars.as_str().strip_prefix("[:").and_then(|rest| rest.split_once(":]")) else {
        return Ok(None);
    };
    let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
    let (_, ranges) = POSIX_CLASSES.iter().find(|(own, _)| *own == name).ok_or(BadPattern)?;
    *chars = after.chars();
    Ok(Some(if negated { complement(ranges) } else { ranges.to_vec() }))
}

/// Everything outside of `ranges`, which are sorted and disjoint.
fn complement(ranges: &[(char, char)]) -> Ranges {
    let mut low = '\0';
    let mut complement = Ranges::new();
    for &(start, end) in ranges {
        if low < start {
            complement.push((low, char::from_u32(u32::from(start) - 1).unwrap_or(low)));
        }
        low = char::from_u32(u32::from(end) + 1).unwrap_or(char::MAX);
    }
    complement.push((low, char::MAX));
    complement
}

/// The classes that have a name; all of them ASCII.
const POSIX_CLASSES: [(&str, &[(char, char)]); 14] = [
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("ascii", &[('\0', '\x7f')]),
    ("blank", &[('\t', '\t'), (' ', ' ')]),
    ("cntrl", &[('\0', '\x1f'), ('\x7f', '\x7f')]),
    ("digit", &[('0', '9')]),
    ("graph", &[('!', '~')]),
    ("lower", &[('a', 'z')]),
    ("print", &[(' ', '~')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("space", &[('\t', '\r'), (' ', ' ')]),
    ("upper", &[('A', 'Z')]),
    ("word", &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
];
