//! What a plugin waits for outside can be ended by the server.

use std::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use windlass_wasm_host::{Limits, Waits};

use super::{
    fetch::{fetching, local, networked},
    support::*,
};

/// Much less than anything here would wait for by itself.
const PROMPT: Duration = Duration::from_secs(10);

/// A server that takes connections and never answers.
struct Silent {
    listener: TcpListener,
}

impl Silent {
    fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.listener.local_addr().unwrap())
    }

    /// Waits until somebody connects, which then waits for an answer.
    fn accept(&self) -> TcpStream {
        self.listener.accept().unwrap().0
    }
}

type Outcome = (Result<i32, String>, Vec<String>);

/// A plugin on a thread of its own, which sends one GET request whenever it is told to go; what came of it arrives at the receiver.
fn waiting(url: String, waits: Waits) -> (mpsc::Sender<()>, mpsc::Receiver<Outcome>) {
    let (go, gone) = mpsc::channel();
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let (imports, more) = fetching(&url, b"", ("a", "b"));
        let wat = Wat { imports: &imports, more: &more, start: "(call $get) (i32.const 5)", ..Wat::default() };
        let limits = Limits { fetch_deadline: Duration::from_secs(60), ..patient() };
        let host = Recorder { waits, ..Recorder::default() };
        let mut plugin = Plugin::try_within(&wat.assembly_script(), networked(local()), &limits, host).unwrap();
        while gone.recv().is_ok() {
            let result = plugin.guest.start("{}").map_err(|error| error.to_string());
            send.send((result, plugin.host.debug_lines())).unwrap();
        }
    });
    (go, receive)
}

#[test]
fn waiting_for_an_answer_is_cut_short_and_the_guest_goes_on() {
    let (server, waits) = (Silent::new(), Waits::default());
    let (go, results) = waiting(server.url(), waits.clone());
    go.send(()).unwrap();
    let first = server.accept();
    let begun = Instant::now();
    let cut_short = waits.cut_short();
    let (result, lines) = results.recv_timeout(PROMPT).expect("it does not wait any longer");
    assert_eq!(result, Ok(5), "the guest goes on, and returns as always");
    assert!(lines[0].contains("broken off"), "{lines:?}");
    assert_eq!(lines.last().map(String::as_str), Some(""), "an empty body is what stands for failure");
    // Nor does it wait anew meanwhile.
    go.send(()).unwrap();
    assert_eq!(results.recv_timeout(PROMPT).expect("it fails at once").0, Ok(5));
    assert!(begun.elapsed() < PROMPT);
    drop((first, cut_short));

    // From then on it waits again. Two who hold it must both let go.
    go.send(()).unwrap();
    let third = server.accept();
    assert!(results.try_recv().is_err());
    let (one, two) = (waits.cut_short(), waits.cut_short());
    drop(one);
    assert_eq!(results.recv_timeout(PROMPT).expect("cut short again").0, Ok(5));
    go.send(()).unwrap();
    assert_eq!(results.recv_timeout(PROMPT).expect("and still").0, Ok(5));
    drop((two, third));
}

#[test]
fn the_waiting_of_others_goes_on() {
    let server = Silent::new();
    let (own, others) = (Waits::default(), Waits::default());
    let (first, second) = (waiting(server.url(), own.clone()), waiting(server.url(), others.clone()));
    first.0.send(()).unwrap();
    second.0.send(()).unwrap();
    let connections = [server.accept(), server.accept()];
    let cut_short = own.cut_short();
    assert_eq!(first.1.recv_timeout(PROMPT).expect("it does not wait any longer").0, Ok(5));
    assert!(second.1.try_recv().is_err());
    drop(cut_short);
    let cut_short = others.cut_short();
    assert_eq!(second.1.recv_timeout(PROMPT).expect("now it does not either").0, Ok(5));
    drop((cut_short, connections));
}
