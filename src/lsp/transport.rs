//! Messages on a stream: a head of `Name: value` lines, an empty line, then as many bytes of JSON as `Content-Length` says.
//!
//! What cannot be read is reported and passed over: after a bad head the reader goes on at the next line, after bad JSON
//! at the next message.

use std::io::{self, BufRead, Read, Write};

use lsp_server::{ErrorCode, Message};
use serde_json::json;

/// Bytes of the longest message that is read. No editor sends a Dockerfile of that size.
const LONGEST: u64 = 64 * 1024 * 1024;
/// Bytes of the longest line of a head.
const LONGEST_LINE: u64 = 8 * 1024;

/// What was found on the stream.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A message.
    Message(Message),
    /// Something else, and why it is no message.
    Garbage(String),
}

/// What goes out.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// A message.
    Message(Message),
    /// The answer to something that could not be read, so that nobody knows its id.
    Unreadable(String),
    /// Nothing more.
    End,
}

/// Reads up to the end of the next message; `None` where the stream ends first, in the middle of a message too.
///
/// # Errors
/// Where the stream cannot be read.
pub(super) fn read(stream: &mut impl BufRead) -> io::Result<Option<Incoming>> {
    let mut length: Option<u64> = None;
    loop {
        let mut line = Vec::new();
        if stream.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        match (line.is_empty(), length) {
            (true, Some(length)) => return body(stream, length),
            // Blank lines between messages do no harm.
            (true, None) => continue,
            (false, _) => {}
        }
        let Some((name, value)) = line.split_once(':') else {
            return Ok(Some(Incoming::Garbage("a line of a message's head has no `:`".to_owned())));
        };
        if name.trim().eq_ignore_ascii_case("content-length") {
            let Ok(value) = value.trim().parse() else {
                return Ok(Some(Incoming::Garbage("`Content-Length` is no number".to_owned())));
            };
            length = Some(value);
        }
    }
}

fn body(stream: &mut impl BufRead, length: u64) -> io::Result<Option<Incoming>> {
    if length > LONGEST {
        io::copy(&mut stream.by_ref().take(length), &mut io::sink())?;
        return Ok(Some(Incoming::Garbage(format!("the message is longer than {} MB", LONGEST / 1024 / 1024))));
    }
    let mut bytes = Vec::new();
    // The buffer grows with what arrives, not with what the head promises.
    if (stream.by_ref().take(length).read_to_end(&mut bytes)? as u64) < length {
        return Ok(None);
    }
    Ok(Some(match serde_json::from_slice(&bytes) {
        Ok(message) => Incoming::Message(message),
        Err(error) => Incoming::Garbage(format!("the message is no JSON-RPC message: {error}")),
    }))
}

/// Writes one message.
///
/// # Errors
/// Where the stream cannot be written.
pub(super) fn write(stream: &mut impl Write, outgoing: &Outgoing) -> io::Result<()> {
    match outgoing {
        Outgoing::Message(message) => message.write(stream),
        Outgoing::Unreadable(reason) => {
            let error = json!({ "code": ErrorCode::ParseError as i32, "message": reason });
            let text = json!({ "jsonrpc": "2.0", "id": null, "error": error }).to_string();
            write!(stream, "Content-Length: {}\r\n\r\n{text}", text.len())?;
            stream.flush()
        }
        Outgoing::End => stream.flush(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(mut bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        while let Ok(Some(incoming)) = read(&mut bytes) {
            found.push(match incoming {
                Incoming::Message(Message::Request(request)) => format!("request {}", request.method),
                Incoming::Message(Message::Notification(notification)) => {
                    format!("notification {}", notification.method)
                }
                Incoming::Message(Message::Response(_)) => "response".to_owned(),
                Incoming::Garbage(_) => "garbage".to_owned(),
            });
        }
        found
    }

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn goes_on_after_garbage() {
        let good = framed(r#"{"jsonrpc":"2.0","id":1,"method":"x"}"#);
        for (garbage, expected) in [
            (framed("{"), 1),
            (framed("[]"), 1),
            (framed("\u{0}\u{ff}"), 1),
            (framed(""), 1),
            ("nonsense\r\n".to_owned(), 1),
            ("Content-Length: -1\r\n\r\n".to_owned(), 1),
            ("\r\n\r\n".to_owned(), 0),
            ("Content-Type: x\r\n".to_owned(), 0),
        ] {
            let found = read_all(format!("{garbage}{good}").as_bytes());
            let mut wanted = vec!["garbage".to_owned(); expected];
            wanted.push("request x".to_owned());
            assert_eq!(found, wanted, "{garbage:?}");
        }
    }

    #[test]
    fn ends_quietly_where_the_stream_does() {
        assert_eq!(read_all(b""), Vec::<String>::new());
        assert_eq!(read_all(b"Content-Length: 100\r\n\r\n{\"jsonrpc\""), Vec::<String>::new());
        assert_eq!(read_all(b"Content-Length: 18446744073709551615\r\n\r\nx"), ["garbage"]);
        assert_eq!(read_all(b"Content-Length: 99999999999999999999999\r\n\r\n"), ["garbage"]);
    }
}
