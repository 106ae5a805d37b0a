//! A server that forwards every delta to every subscriber, with one chosen fault.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// What the server does to the measured deltas. Probes are always forwarded, except by `Ignore`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Treatment {
    Faithful,
    Split,
    DropEveryTenth,
    RepeatEveryTenth,
    HoldBackEveryTenth,
    PingAndFragment,
    Remember,
    CloseAfterHundred,
    Ignore,
    RefuseAfter(usize),
}

pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    treatment: Treatment,
    subscribers: Mutex<Vec<Subscriber>>,
    connections: AtomicUsize,
    pings: AtomicUsize,
    pongs: AtomicUsize,
    queued: AtomicUsize,
    longest_queue: AtomicUsize,
    deltas: Mutex<Deltas>,
}

#[derive(Default)]
struct Deltas {
    measured: u64,
    held_back: Option<String>,
    cache: VecDeque<String>,
}

#[derive(Clone)]
struct Subscriber {
    queue: mpsc::UnboundedSender<Message>,
    /// The start that paths must have, for an explicit subscription.
    prefix: Option<String>,
    /// The latest values, when the subscription is rate-controlled.
    latest: Option<Arc<Mutex<BTreeMap<String, Value>>>>,
}

impl Server {
    pub fn start(treatment: Treatment) -> Server {
        let shared = Arc::new(Shared {
            treatment,
            subscribers: Mutex::default(),
            connections: AtomicUsize::new(0),
            pings: AtomicUsize::new(0),
            pongs: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            longest_queue: AtomicUsize::new(0),
            deltas: Mutex::default(),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn({
            let shared = shared.clone();
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    tokio::select! {
                        () = accept(listener, shared) => {}
                        _ = stopped => {}
                    }
                });
            }
        });
        Server { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn longest_queue(&self) -> usize {
        self.shared.longest_queue.load(Ordering::SeqCst)
    }

    /// Waits until every ping has been answered; there must have been some.
    pub fn wait_for_pongs(&self) {
        let started = Instant::now();
        loop {
            let (pings, pongs) = (self.shared.pings.load(Ordering::SeqCst), self.shared.pongs.load(Ordering::SeqCst));
            if pings > 0 && pings == pongs {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(10), "{pongs} pongs for {pings} pings");
            std::thread::yield_now();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            // The server's thread may have ended by itself; joining it shows with what.
            stop.send(()).ok();
            thread.join().unwrap();
        }
    }
}

async fn accept(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(serve(stream, shared.clone()));
    }
}

// The callback's type is that of the WebSocket crate.
#[allow(clippy::result_large_err)]
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let mut query = String::new();
    let number = shared.connections.fetch_add(1, Ordering::SeqCst);
    let handshake = |request: &Request, response: Response| {
        if matches!(shared.treatment, Treatment::RefuseAfter(allowed) if number >= allowed) {
            let mut refusal = ErrorResponse::new(Some(r#"{"error":"Too many"}"#.to_owned()));
            *refusal.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
            refusal.headers_mut().insert("content-length", http::HeaderValue::from_static("20"));
            return Err(refusal);
        }
        query = request.uri().query().unwrap_or_default().to_owned();
        Ok(response)
    };
    stream.set_nodelay(true).unwrap();
    let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, handshake).await else { return };
    let (mut sink, mut source) = socket.split();
    let (queue, mut queued) = mpsc::unbounded_channel();
    queue.send(Message::text(json!({"name": "known", "self": "vessels.urn:x"}).to_string())).unwrap();
    if !query.contains("subscribe=none") {
        for delta in &shared.deltas.lock().unwrap().cache {
            queue.send(Message::text(delta.clone())).unwrap();
        }
        let subscriber = Subscriber { queue: queue.clone(), prefix: None, latest: None };
        shared.subscribers.lock().unwrap().push(subscriber);
    }

    let writing = async {
        while let Some(message) = queued.recv().await {
            let text = matches!(message, Message::Text(_));
            if sink.send(message).await.is_err() {
                return;
            }
            if text {
                shared.queued.store(queued.len(), Ordering::SeqCst);
            }
        }
    };
    let reading = async {
        while let Some(Ok(message)) = source.next().await {
            match message {
                Message::Text(text) => shared.take(&text, &queue),
                Message::Pong(payload) => {
                    assert_eq!(payload.as_ref(), b"still there?");
                    shared.pongs.fetch_add(1, Ordering::SeqCst);
                }
                _ => {}
            }
        }
    };
    tokio::select! {
        () = writing => {}
        () = reading => {}
    }
}

impl Shared {
    fn take(&self, text: &Utf8Bytes, queue: &mpsc::UnboundedSender<Message>) {
        let message: Value = serde_json::from_str(text).unwrap();
        if let Some(rows) = message["subscribe"].as_array() {
            return self.subscribe(&rows[0], queue.clone());
        }
        if self.treatment == Treatment::Ignore {
            return;
        }
        let measured = message["updates"][0]["values"][0]["value"]["seq"].as_u64().unwrap() >= 200_000_000_000;
        let text = text.to_string();
        let outgoing = {
            let mut deltas = self.deltas.lock().unwrap();
            if self.treatment == Treatment::Remember {
                if deltas.cache.len() == 100 {
                    deltas.cache.pop_front();
                }
                deltas.cache.push_back(text.clone());
            }
            if measured { self.treat(&mut deltas, text) } else { vec![text] }
        };
        for delta in outgoing {
            self.forward(&delta, &message);
        }
        let close = self.treatment == Treatment::CloseAfterHundred;
        if close && self.deltas.lock().unwrap().measured == 100 {
            let frame = CloseFrame { code: 1008.into(), reason: "enough".into() };
            for subscriber in self.subscribers.lock().unwrap().drain(..) {
                subscriber.queue.send(Message::Close(Some(frame.clone()))).ok();
            }
        }
    }

    /// The deltas to send for the measured delta `text`.
    fn treat(&self, deltas: &mut Deltas, text: String) -> Vec<String> {
        deltas.measured += 1;
        let tenth = deltas.measured % 10 == 5;
        match self.treatment {
            Treatment::DropEveryTenth if tenth => vec![],
            Treatment::RepeatEveryTenth if tenth => vec![text.clone(), text],
            Treatment::HoldBackEveryTenth if tenth => {
                deltas.held_back = Some(text);
                vec![]
            }
            _ => [text].into_iter().chain(deltas.held_back.take()).collect(),
        }
    }

    fn subscribe(&self, row: &Value, queue: mpsc::UnboundedSender<Message>) {
        let prefix = row["path"].as_str().unwrap().strip_suffix('*').unwrap().to_owned();
        let latest = row["period"].as_u64().map(|period| {
            let latest: Arc<Mutex<BTreeMap<String, Value>>> = Arc::default();
            let (values, queue) = (latest.clone(), queue.clone());
            tokio::spawn(async move {
                let mut tick = tokio::time::interval(Duration::from_millis(period));
                while !queue.is_closed() {
                    tick.tick().await;
                    for (_, value) in std::mem::take(&mut *values.lock().unwrap()) {
                        queue.send(Message::text(single(&value))).ok();
                    }
                }
            });
            latest
        });
        self.subscribers.lock().unwrap().push(Subscriber { queue, prefix: Some(prefix), latest });
    }

    fn forward(&self, text: &str, message: &Value) {
        let mut longest = 0;
        self.subscribers.lock().unwrap().retain(|subscriber| {
            let sent = if let Some(prefix) = &subscriber.prefix {
                let values = message["updates"][0]["values"].as_array().unwrap();
                values.iter().filter(|value| value["path"].as_str().unwrap().starts_with(prefix)).all(|value| {
                    match &subscriber.latest {
                        Some(latest) => {
                            latest.lock().unwrap().insert(value["path"].to_string(), value.clone());
                            true
                        }
                        None => subscriber.queue.send(Message::text(single(value))).is_ok(),
                    }
                })
            } else {
                self.messages(text).into_iter().all(|message| subscriber.queue.send(message).is_ok())
            };
            longest = longest.max(self.queued.fetch_add(1, Ordering::SeqCst) + 1);
            sent && !subscriber.queue.is_closed()
        });
        self.longest_queue.fetch_max(longest, Ordering::SeqCst);
    }

    fn messages(&self, text: &str) -> Vec<Message> {
        match self.treatment {
            Treatment::Split => {
                let delta: Value = serde_json::from_str(text).unwrap();
                let values = delta["updates"][0]["values"].as_array().unwrap();
                values.iter().map(|value| Message::text(single(value))).collect()
            }
            Treatment::PingAndFragment => {
                self.pings.fetch_add(1, Ordering::SeqCst);
                let (head, tail) = text.as_bytes().split_at(text.len() * 2 / 3);
                let fragment =
                    |part: &[u8], code, last| Message::Frame(Frame::message(part.to_vec(), OpCode::Data(code), last));
                vec![
                    fragment(head, Data::Text, false),
                    Message::Ping(b"still there?".as_slice().into()),
                    fragment(tail, Data::Continue, true),
                ]
            }
            _ => vec![Message::text(text)],
        }
    }
}

fn single(value: &Value) -> String {
    json!({"context": "vessels.urn:x", "updates": [{"$source": "load", "values": [value]}]}).to_string()
}
