//! A network between the program and a server, that fails when a test wants it to.
//!
//! A thread accepts connections and two more threads carry the bytes of each. What happens to
//! them is decided under one lock, so that a cut hits every connection at once.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::database::Database;
use crate::uri::percent_encoded;

/// Small enough that a limit in bytes falls into the middle of things.
const BUFFER_BYTES: usize = 16 * 1024;

/// Forwards TCP connections to a cluster, until it is told otherwise or dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    network: Arc<Network>,
    acceptor: Option<JoinHandle<()>>,
}

/// What the threads share.
#[derive(Debug)]
struct Network {
    server_port: u16,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Both ends of every connection, by its number.
    connections: HashMap<u64, [TcpStream; 2]>,
    connections_made: u64,
    flow: Flow,
    is_refusing: bool,
    /// Cuts everything when so many bytes more have passed.
    bytes_left: Option<usize>,
    cuts_made: u64,
    /// Cuts everything when the connection with this number is made.
    cut_at: Option<u64>,
    /// Counts the calls that end what [`Proxy::cut_every`] began.
    random_cuts: u64,
    is_closing: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Flow {
    #[default]
    Flowing,
    /// For the connections up to this number.
    Stalled { last: u64 },
}

impl Proxy {
    /// A network to a cluster that does not fail yet.
    #[must_use]
    pub fn to(cluster: &Cluster) -> Proxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("the number of a port").port();
        let network = Arc::new(Network {
            server_port: cluster.port(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let accepting = Arc::clone(&network);
        let acceptor = std::thread::spawn(move || accepting.accept(&listener));
        Proxy { port, network, acceptor: Some(acceptor) }
    }

    /// The port that forwards to the cluster's.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A URI through this network.
    #[must_use]
    pub fn uri(&self, database: &Database) -> String {
        let name = percent_encoded(database.name());
        format!("postgresql://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Cuts all connections. New ones can be made at once.
    pub fn cut(&self) {
        self.network.lock().cut();
        self.network.changed.notify_all();
    }

    /// Cuts all connections again and again, at random times that are about so long apart and
    /// that depend on the seed alone. Ends with [`Proxy::heal`].
    pub fn cut_every(&self, interval: Duration, seed: u64) {
        let mut state = self.network.lock();
        state.random_cuts += 1;
        let turn = state.random_cuts;
        drop(state);
        let network = Arc::clone(&self.network);
        let mut random = Random(seed);
        std::thread::spawn(move || {
            loop {
                let wait = interval / 2 + interval * (random.next() % 1000) / 1000;
                let state = network.lock();
                let goes_on = |state: &mut State| state.random_cuts == turn && !state.is_closing;
                let waited = network.changed.wait_timeout_while(state, wait, goes_on);
                let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                if !timeout.timed_out() {
                    return;
                }
                state.cut();
                network.changed.notify_all();
            }
        });
    }

    /// Cuts all connections once, when so many bytes more have passed, both ways together.
    pub fn cut_after(&self, bytes: usize) {
        self.network.lock().bytes_left = Some(bytes);
    }

    /// Cuts all connections once, when the one with this number has been made and carried nothing.
    pub fn cut_at(&self, connection: u64) {
        self.network.lock().cut_at = Some(connection);
    }

    /// Carries nothing any more, and closes nothing: as a network does that loses all packets.
    pub fn stall(&self) {
        self.network.lock().flow = Flow::Stalled { last: u64::MAX };
    }

    /// Carries nothing any more over the connections that are there, and closes none of them: as a
    /// firewall does that has forgotten them. New ones are as good as any.
    pub fn forget(&self) {
        let mut state = self.network.lock();
        state.flow = Flow::Stalled { last: state.connections_made };
    }

    /// Closes new connections at once. Those that are there go on.
    pub fn refuse(&self) {
        self.network.lock().is_refusing = true;
    }

    /// Ends all that the other functions began.
    pub fn heal(&self) {
        let mut state = self.network.lock();
        state.flow = Flow::Flowing;
        state.is_refusing = false;
        state.bytes_left = None;
        state.random_cuts += 1;
        self.network.changed.notify_all();
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.network.lock().connections.len()
    }

    /// How many connections were made so far.
    #[must_use]
    pub fn connections_made(&self) -> u64 {
        self.network.lock().connections_made
    }

    /// How often connections were cut so far.
    #[must_use]
    pub fn cuts_made(&self) -> u64 {
        self.network.lock().cuts_made
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.network.lock();
        state.is_closing = true;
        state.cut();
        self.network.changed.notify_all();
        drop(state);
        // The acceptor looks around when somebody comes.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Network {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            let mut state = self.lock();
            if state.is_closing {
                return;
            }
            let Ok(client) = client else { continue };
            if state.is_refusing {
                continue;
            }
            // A stopped server refuses us, and so we refuse the client.
            let Ok(server) = TcpStream::connect(("127.0.0.1", self.server_port)) else {
                continue;
            };
            let (Ok(client_copy), Ok(server_copy)) = (client.try_clone(), server.try_clone())
            else {
                continue;
            };
            state.connections_made += 1;
            let number = state.connections_made;
            state.connections.insert(number, [client_copy, server_copy]);
            if state.cut_at == Some(number) {
                state.cut_at = None;
                state.cut();
                continue;
            }
            drop(state);
            for [from, to] in [[&client, &server], [&server, &client]] {
                let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else {
                    continue;
                };
                let _ = to.set_nodelay(true);
                let network = Arc::clone(self);
                std::thread::spawn(move || network.carry(number, from, to));
            }
        }
    }

    /// Carries bytes one way until one of the sides ends, and then ends the other.
    fn carry(&self, number: u64, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; BUFFER_BYTES];
        while let Ok(bytes @ 1..) = from.read(&mut buffer) {
            let Some(bytes) = self.admit(number, bytes) else {
                break;
            };
            if to.write_all(&buffer[..bytes]).is_err() {
                break;
            }
            self.cut_if_used_up();
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
        self.lock().connections.remove(&number);
    }

    /// How many of these bytes may pass, when any may; `None` at the end.
    fn admit(&self, number: u64, bytes: usize) -> Option<usize> {
        let is_stalled = |state: &mut State| match state.flow {
            Flow::Flowing => false,
            Flow::Stalled { last } => number <= last && !state.is_closing,
        };
        let waited = self.changed.wait_while(self.lock(), is_stalled);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.is_closing {
            return None;
        }
        let Some(left) = &mut state.bytes_left else {
            return Some(bytes);
        };
        let admitted = bytes.min(*left);
        *left -= admitted;
        Some(admitted)
    }

    fn cut_if_used_up(&self) {
        let mut state = self.lock();
        if state.bytes_left == Some(0) {
            state.bytes_left = None;
            state.cut();
        }
    }
}

impl State {
    fn cut(&mut self) {
        if self.connections.is_empty() {
            return;
        }
        self.cuts_made += 1;
        for stream in self.connections.drain().flat_map(|(_, streams)| streams) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// SplitMix64: the same times for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        u32::try_from((mixed ^ (mixed >> 31)) >> 32).expect("the upper half")
    }
}
