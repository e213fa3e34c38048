//! A line to a registry that can be cut: what goes through it is passed on until so many bytes came back.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// What a line does with the next connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// For each connection, the bytes that come back before it is cut; when there are none left, nothing is cut.
    pub(crate) cuts: Vec<usize>,
    /// Whether it is cut by a reset rather than by an end.
    pub(crate) reset: bool,
    /// At most so many bytes come in a hundredth of a second.
    pub(crate) slow: Option<usize>,
}

/// The line.
pub(crate) struct Line {
    pub(crate) address: SocketAddr,
    faults: Arc<Mutex<Faults>>,
}

impl Line {
    /// A line to that address.
    pub(crate) fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let faults = Arc::new(Mutex::new(Faults::default()));
        let state = Arc::clone(&faults);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                thread::spawn(move || serve(&connection, target, &state));
            }
        });
        Self { address, faults }
    }

    pub(crate) fn set(&self, faults: Faults) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// Cuts that were not made.
    pub(crate) fn left(&self) -> usize {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).cuts.len()
    }
}

fn serve(client: &TcpStream, target: SocketAddr, faults: &Mutex<Faults>) {
    let Ok(server) = TcpStream::connect(target) else { return };
    let (budget, reset, slow) = {
        let mut faults = faults.lock().unwrap_or_else(PoisonError::into_inner);
        (faults.cuts.pop(), faults.reset, faults.slow)
    };
    let (mut asking, mut asked) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ended = std::io::copy(&mut asking, &mut asked);
        let _closed = asked.shutdown(Shutdown::Write);
    });
    let whole = pass(&server, client, budget, slow);
    if !whole && reset {
        // With nothing left to linger for, to close is to reset; who reads the requests lets go of it too.
        let _plain = rustix::net::sockopt::set_socket_linger(client, Some(Duration::ZERO));
        let _ended = client.shutdown(Shutdown::Read);
    } else {
        let _closed = client.shutdown(Shutdown::Both);
    }
    let _closed = server.shutdown(Shutdown::Both);
}

/// Passes bytes on; false if there were more of them than the budget.
fn pass(mut from: &TcpStream, mut to: &TcpStream, budget: Option<usize>, slow: Option<usize>) -> bool {
    let mut left = budget.unwrap_or(usize::MAX);
    let mut buffer = vec![0; slow.unwrap_or(64 << 10)];
    while let Ok(count) = from.read(&mut buffer) {
        let allowed = count.min(left);
        left -= allowed;
        if count == 0 || to.write_all(&buffer[..allowed]).is_err() {
            return true;
        }
        if left == 0 {
            return false;
        }
        if slow.is_some() {
            thread::sleep(Duration::from_millis(10));
        }
    }
    true
}
