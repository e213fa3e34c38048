//! From tokens to a syntax tree, with the limits that keep `brush-parser`'s grammar on firm ground.
//!
//! The grammar recurses for every compound command that stands in another, and tries the last branch of a `case`
//! without `;;` twice. So nesting is counted first, and that `;;` is written in.

use brush_parser::ast::Program;
use brush_parser::{ParserOptions, SourceSpan, Token, parse_tokens};

use super::extent::MAX_NESTING;

/// How many `case` may stand in one another: a branch that cannot be read is tried twice at each level.
const MAX_CASES: usize = 6;

/// The syntax tree of a script's tokens; the error says why there is none.
pub(super) fn parse(tokens: Vec<Token>) -> Result<Program, &'static str> {
    let tokens = with_last_branches_closed(tokens)?;
    parse_tokens(&tokens, &ParserOptions::default()).map_err(|_| "syntax error")
}

/// Writes `;;` before each `esac` that lacks it, and refuses what nests too deeply.
fn with_last_branches_closed(tokens: Vec<Token>) -> Result<Vec<Token>, &'static str> {
    let mut open: Vec<&'static str> = Vec::new();
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len() + 4);
    let mut previous = Previous::Start;
    for token in tokens {
        let is_operator = matches!(token, Token::Operator(..));
        let text = token.to_str();
        if let Some(closer) = opens(text, is_operator, previous) {
            open.push(closer);
        } else if closes(text, is_operator, previous) {
            if let Some(at) = open.iter().rposition(|closer| *closer == text) {
                open.truncate(at);
            }
            if text == "esac" && previous != Previous::BranchEnd {
                out.push(Token::Operator(";;".into(), start_of(&token)));
            }
        }
        if open.len() > MAX_NESTING || open.iter().filter(|closer| **closer == "esac").count() > MAX_CASES {
            return Err("commands are nested too deeply to read");
        }
        previous = previous.after(text, is_operator);
        out.push(token);
    }
    Ok(out)
}

/// What stood before a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Previous {
    Start,
    /// `;;` and its kin, or the `in` of a `case`, with any newlines after it.
    BranchEnd,
    /// An operator or a word after which a command may start or end.
    Boundary,
    /// Any other word.
    Word,
}

impl Previous {
    fn after(self, text: &str, is_operator: bool) -> Self {
        match text {
            "\n" if self == Self::BranchEnd => Self::BranchEnd,
            ";;" | ";&" | ";;&" | "in" => Self::BranchEnd,
            _ if is_operator => Self::Boundary,
            "{" | "}" | "!" | "do" | "done" | "then" | "else" | "elif" | "fi" | "esac" | "if" | "while" | "until"
            | "time" => Self::Boundary,
            _ => Self::Word,
        }
    }
}

/// The closer of a token that opens a compound command.
fn opens(text: &str, is_operator: bool, previous: Previous) -> Option<&'static str> {
    match text {
        "(" if is_operator => Some(")"),
        _ if is_operator || previous == Previous::Word => None,
        "{" => Some("}"),
        "if" => Some("fi"),
        "case" => Some("esac"),
        "for" | "while" | "until" | "select" => Some("done"),
        _ => None,
    }
}

fn closes(text: &str, is_operator: bool, previous: Previous) -> bool {
    match text {
        ")" => is_operator,
        "}" | "fi" | "esac" | "done" => !is_operator && previous != Previous::Word,
        _ => false,
    }
}

fn start_of(token: &Token) -> SourceSpan {
    let start = token.location().start.clone();
    SourceSpan { start: start.clone(), end: start }
}
