//! The server: owns all state, applies what the client says in order, and hands work to the lanes.

mod lifecycle;
mod notification;
mod work;

use std::io::{BufRead, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use serde_json::Value;

use super::lane::Lane;
use super::transport::{self, Incoming, Outgoing};
use super::wanted::Cancelled;
use super::world::World;
use work::Work;

/// How long the client has to read the last answers.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How the conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As the protocol wants it: `shutdown`, then `exit`.
    Orderly,
    /// Without `shutdown`.
    Abruptly,
}

/// What the server waits for.
enum Event {
    /// The client said something.
    Incoming(Incoming),
    /// The stream has ended.
    End,
    /// The history of a build context was read.
    HistoryRead,
}

/// The server's own requests and messages.
#[derive(Clone, Debug)]
struct Mouth(Sender<Outgoing>);

impl Mouth {
    fn say(&self, message: impl Into<Message>) {
        // Where nobody listens any more the stream ends too, and with it the server.
        let _ = self.0.send(Outgoing::Message(message.into()));
    }

    fn notify(&self, method: &str, params: impl serde::Serialize) {
        self.say(Notification::new(method.to_owned(), params));
    }
}

struct Server {
    mouth: Mouth,
    /// `None` before `initialize`.
    running: Option<Running>,
    shut_down: bool,
    cancelled: Cancelled,
    events: Sender<Event>,
}

/// What there is after `initialize`.
struct Running {
    world: World,
    work: Work,
    requests: Lane,
    /// The number of the server's next own request.
    next_id: i32,
    /// The request for the client's settings that waits for its answer.
    asked_settings: Option<RequestId>,
    /// What the user was told last, so as not to say it twice.
    told: Option<String>,
}

/// Serves until `exit` or the end of the stream.
pub(super) fn run(input: impl BufRead + Send + 'static, output: impl Write + Send + 'static) -> Ended {
    let (events, inbox) = channel();
    let cancelled = Cancelled::default();
    let (outgoing, outbox) = channel();
    let (written, all_written) = channel();
    thread::spawn(move || {
        write_all(output, &outbox);
        // The server may have stopped waiting.
        let _ = written.send(());
    });
    {
        let (events, cancelled) = (events.clone(), Arc::clone(&cancelled));
        thread::spawn(move || read_all(input, &events, &cancelled));
    }
    let server = Server { mouth: Mouth(outgoing.clone()), running: None, shut_down: false, cancelled, events };
    let ended = server.serve(&inbox);
    // What was answered is written, unless the client reads no more; a job still at work must not keep the program.
    let _ = outgoing.send(Outgoing::End);
    let _ = all_written.recv_timeout(LAST_WORDS);
    ended
}

fn read_all(mut input: impl BufRead, events: &Sender<Event>, cancelled: &Cancelled) {
    // A stream that cannot be read any more has ended.
    while let Ok(Some(incoming)) = transport::read(&mut input) {
        // At once: the request may be next in a lane.
        if let Incoming::Message(Message::Notification(notification)) = &incoming
            && notification.method == "$/cancelRequest"
            && let Some(id) = cancelled_id(&notification.params)
        {
            cancelled.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
            continue;
        }
        if events.send(Event::Incoming(incoming)).is_err() {
            return;
        }
    }
    let _ = events.send(Event::End);
}

fn cancelled_id(params: &Value) -> Option<RequestId> {
    serde_json::from_value(params.get("id")?.clone()).ok()
}

fn write_all(mut output: impl Write, outbox: &Receiver<Outgoing>) {
    for outgoing in outbox {
        if transport::write(&mut output, &outgoing).is_err() || matches!(outgoing, Outgoing::End) {
            return;
        }
    }
}

impl Server {
    fn serve(mut self, inbox: &Receiver<Event>) -> Ended {
        for event in inbox {
            match event {
                Event::Incoming(Incoming::Message(Message::Notification(said))) if said.method == "exit" => break,
                Event::Incoming(Incoming::Message(message)) => self.hear(message),
                Event::Incoming(Incoming::Garbage(reason)) => {
                    let _ = self.mouth.0.send(Outgoing::Unreadable(reason));
                }
                Event::End => break,
                Event::HistoryRead => {
                    if let Some(running) = &mut self.running {
                        running.history_was_read(&self.mouth);
                    }
                }
            }
        }
        if self.shut_down { Ended::Orderly } else { Ended::Abruptly }
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Request(request) => self.answer(request),
            Message::Response(response) => {
                if let Some(running) = &mut self.running {
                    running.take_response(response, &self.mouth);
                }
            }
            Message::Notification(notification) => {
                if let Some(running) = self.running.as_mut().filter(|_| !self.shut_down) {
                    running.take_notification(notification, &self.mouth);
                }
            }
        }
    }

    fn answer(&mut self, request: Request) {
        let error =
            |code: ErrorCode, message: &str| Response::new_err(request.id.clone(), code as i32, message.to_owned());
        match (request.method.as_str(), &mut self.running) {
            _ if self.shut_down => self.mouth.say(error(ErrorCode::InvalidRequest, "the server was shut down")),
            ("initialize", None) => self.initialize(request),
            ("initialize", Some(_)) => {
                self.mouth.say(error(ErrorCode::InvalidRequest, "the server was initialized already"));
            }
            (_, None) => self.mouth.say(error(ErrorCode::ServerNotInitialized, "`initialize` comes first")),
            ("shutdown", Some(_)) => {
                self.shut_down = true;
                self.mouth.say(Response::new_ok(request.id, Value::Null));
            }
            (_, Some(running)) => running.take_request(request, &self.cancelled, &self.mouth),
        }
    }
}

impl Running {
    fn take_request(&self, request: Request, cancelled: &Cancelled, mouth: &Mouth) {
        let world = self.work.latest();
        let (cancelled, mouth) = (Arc::clone(cancelled), mouth.clone());
        // Findings have a lane of their own: what else is asked must not keep them waiting.
        let lane = if request.method == "textDocument/diagnostic" { self.work.lane() } else { &self.requests };
        lane.add(move || {
            let id = request.id.clone();
            let world = World { wanted: world.wanted.by(&cancelled, &id), ..(*world).clone() };
            let is_cancelled = || cancelled.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            let dropped = || Response::new_err(id.clone(), ErrorCode::RequestCanceled as i32, "cancelled".to_owned());
            if is_cancelled() {
                return mouth.say(dropped());
            }
            let response = super::request::answer(&world, request);
            mouth.say(if is_cancelled() { dropped() } else { response });
        });
    }

    /// The same, and nobody waits any longer for what is worked out from the state before.
    fn supersede(&mut self) {
        std::mem::take(&mut self.world.wanted).supersede();
        self.advance();
    }

    /// Makes the state as it is now the one that requests are answered from.
    fn advance(&mut self) {
        self.world.revision += 1;
        self.work.set_latest(self.world.clone());
    }
}
