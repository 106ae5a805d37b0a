//! A WebSocket client on `/signalk/v1/stream`.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::UrlError;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::{BETWEEN_LOOKS, Json, PATIENCE, Server, Trust};

/// Frames shown when a test waits in vain.
const SHOWN: usize = 12;

/// Something the server sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// A text frame; its text is JSON.
    Json(Json),
    /// A ping.
    Ping,
    /// A pong.
    Pong(Vec<u8>),
    /// The end of the connection, asked for or not.
    Closed,
}

/// One value of a delta, with what the delta says around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// `context` of the delta.
    pub context: String,
    /// Its path.
    pub path: String,
    /// The value.
    pub value: Json,
    /// `$source` of its update.
    pub source: String,
    /// `timestamp` of its update.
    pub timestamp: String,
}

/// A delta for the own ship with one value.
pub fn delta(source: &str, path: &str, value: impl Into<Json>) -> Json {
    json!({"updates": [{"$source": source, "values": [{"path": path, "value": value.into()}]}]})
}

/// The values of a delta, in their order.
pub fn values_of(delta: &Json) -> Vec<Value> {
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let context = text(&delta["context"]);
    let updates = delta["updates"].as_array().into_iter().flatten();
    updates
        .flat_map(|update| {
            let values = update["values"].as_array().into_iter().flatten();
            let context = context.clone();
            values.map(move |entry| Value {
                context: context.clone(),
                path: text(&entry["path"]),
                value: entry["value"].clone(),
                source: text(&update["$source"]),
                timestamp: text(&update["timestamp"]),
            })
        })
        .collect()
}

/// A connection, with TLS or without.
trait Transport: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Transport for T {}

/// An open stream whose hello has been read.
#[derive(Debug)]
pub struct Stream {
    socket: WebSocketStream<Box<dyn Transport>>,
    local_address: SocketAddr,
    hello: Json,
    /// Values of the last delta that have not been asked for yet.
    values: VecDeque<Value>,
    seen: VecDeque<String>,
}

impl Stream {
    /// Connects with this query, such as `subscribe=none`, and reads the first frame.
    pub async fn connect(server: &Server, query: &str) -> Self {
        Self::try_connect(server, query).await.unwrap_or_else(|error| panic!("the stream refuses {query:?}: {error}"))
    }

    /// The same, for when the server may refuse.
    ///
    /// # Errors
    /// The refusal.
    pub async fn try_connect(server: &Server, query: &str) -> Result<Self, tungstenite::Error> {
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        Self::open(&format!("ws://{}/signalk/v1/stream{query}", server.address())).await
    }

    /// Connects to an address as it is.
    ///
    /// # Errors
    /// What the server or the system answers.
    pub async fn open(address: &str) -> Result<Self, tungstenite::Error> {
        Self::open_with(address, &[]).await
    }

    /// The same with further headers.
    ///
    /// # Errors
    /// What the server or the system answers.
    pub async fn open_with(address: &str, headers: &[(&'static str, &str)]) -> Result<Self, tungstenite::Error> {
        Self::open_trusting(address, headers, None).await
    }

    /// Connects over TLS with this query, trusting somebody.
    ///
    /// # Errors
    /// The server is not trusted, or refuses.
    pub async fn connect_secure(server: &Server, query: &str, trust: &Trust) -> Result<Self, tungstenite::Error> {
        let address = format!("wss://{}/signalk/v1/stream?{query}", server.tls_address().await);
        Self::open_trusting(&address, &[], Some(trust)).await
    }

    async fn open_trusting(
        address: &str,
        headers: &[(&'static str, &str)],
        trust: Option<&Trust>,
    ) -> Result<Self, tungstenite::Error> {
        let mut request = address.into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a header's value is plain text"));
        }
        let uri = request.uri();
        let host = uri.host().ok_or(UrlError::NoHostName)?.trim_matches(['[', ']']).to_owned();
        let port = uri.port_u16().unwrap_or(if trust.is_some() { 443 } else { 80 });
        let socket = TcpStream::connect((host.as_str(), port)).await?;
        let local_address = socket.local_addr()?;
        let transport: Box<dyn Transport> = match trust {
            Some(trust) => Box::new(trust.connect(socket, &host).await?),
            None => Box::new(socket),
        };
        let (socket, _) = client_async(request, transport).await?;
        let (hello, values, seen) = (Json::Null, VecDeque::new(), VecDeque::new());
        let mut stream = Self { socket, local_address, hello, values, seen };
        stream.hello = stream.next_json().await;
        Ok(stream)
    }

    /// The first frame.
    pub fn hello(&self) -> &Json {
        &self.hello
    }

    /// `vessels.<own id>`, as hello says.
    pub fn own_context(&self) -> &str {
        self.hello["self"].as_str().expect("hello has a text `self`")
    }

    /// The next frame; `None` when there is none before the time is over.
    pub async fn next_frame(&mut self, within: Duration) -> Option<Frame> {
        let deadline = Instant::now() + within;
        loop {
            return match timeout_at(deadline, self.socket.next()).await {
                Err(_) => None,
                Ok(Some(Ok(Message::Text(text)))) => {
                    let json = serde_json::from_str(&text);
                    let json = json.unwrap_or_else(|error| panic!("a frame is no JSON ({error}): {text}"));
                    self.remember(&text);
                    Some(Frame::Json(json))
                }
                Ok(Some(Ok(Message::Ping(_)))) => Some(Frame::Ping),
                Ok(Some(Ok(Message::Pong(payload)))) => Some(Frame::Pong(payload.to_vec())),
                Ok(Some(Ok(Message::Binary(bytes)))) => panic!("a binary frame of {} bytes", bytes.len()),
                Ok(Some(Ok(Message::Frame(_)))) => continue,
                Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => Some(Frame::Closed),
            };
        }
    }

    /// The next text frame.
    ///
    /// # Panics
    /// When there is none, or the connection ends.
    pub async fn next_json(&mut self) -> Json {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.next_frame(deadline.saturating_duration_since(Instant::now())).await {
                Some(Frame::Json(json)) => return json,
                Some(Frame::Ping | Frame::Pong(_)) => {}
                Some(Frame::Closed) => panic!("the stream was closed; {}", self.last_frames()),
                None => panic!("no frame came; {}", self.last_frames()),
            }
        }
    }

    /// The next text frame that is a delta; others are passed over.
    pub async fn next_delta(&mut self) -> Json {
        loop {
            let json = self.next_json().await;
            if json.get("updates").is_some() {
                return json;
            }
        }
    }

    /// The next value of any delta.
    pub async fn next_value(&mut self) -> Value {
        loop {
            if let Some(value) = self.values.pop_front() {
                return value;
            }
            let delta = self.next_delta().await;
            self.values.extend(values_of(&delta));
        }
    }

    /// Waits for a text frame.
    ///
    /// # Panics
    /// When it does not come although others may.
    pub async fn wait_for_frame(&mut self, what: &str, wanted: impl Fn(&Json) -> bool) -> Json {
        let found = async {
            loop {
                let json = self.next_json().await;
                if wanted(&json) {
                    return json;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(json) => json,
            Err(_) => panic!("{what} did not come; {}", self.last_frames()),
        }
    }

    /// Waits for a value.
    ///
    /// # Panics
    /// When it does not come although others may.
    pub async fn wait_for(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut passed = self.read_until(what, wanted).await;
        passed.pop().expect("the wanted value is the last one read")
    }

    /// Waits for a value at a path.
    pub async fn wait_for_path(&mut self, path: &str) -> Value {
        self.wait_for(path, |value| value.path == path).await
    }

    /// Reads values up to the wanted one, and returns them all with that one.
    pub async fn read_until(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut read = Vec::new();
        let found = async {
            loop {
                let value = self.next_value().await;
                read.push(value);
                if wanted(&read[read.len() - 1]) {
                    return;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, found).await.is_err() {
            panic!("{what} did not come; {}", self.last_frames());
        }
        read
    }

    /// Sends JSON.
    pub async fn send(&mut self, message: &Json) {
        self.send_message(Message::text(message.to_string())).await;
    }

    /// Sends anything.
    pub async fn send_message(&mut self, message: Message) {
        self.socket.send(message).await.unwrap_or_else(|error| panic!("the stream does not take a frame: {error}"));
    }

    /// Sends one subscribe message.
    pub async fn subscribe(&mut self, context: &str, rows: Json) {
        self.send(&json!({"context": context, "subscribe": rows})).await;
    }

    /// Sends the message that ends all subscriptions.
    pub async fn unsubscribe_all(&mut self) {
        self.send(&json!({"context": "*", "unsubscribe": [{"path": "*"}]})).await;
    }

    /// Closes the connection and waits until the server has closed it, too.
    pub async fn close(mut self) {
        // An error means that it is closed already.
        let _ = self.socket.close(None).await;
        while !matches!(self.next_frame(PATIENCE).await, Some(Frame::Closed) | None) {}
    }

    /// A text that no other stream has.
    fn own_name(&self) -> String {
        self.local_address.to_string()
    }

    fn remember(&mut self, text: &str) {
        if self.seen.len() == SHOWN {
            self.seen.pop_front();
        }
        self.seen.push_back(text.chars().take(300).collect());
    }

    fn last_frames(&self) -> String {
        let frames: Vec<_> = self.seen.iter().map(String::as_str).collect();
        format!("the last frames were\n{}", frames.join("\n"))
    }
}

/// A client that sends deltas, and one that sees everything: when it has seen a delta, the server has passed it to everybody.
#[derive(Debug)]
pub struct Publisher {
    /// Nobody hears what they say themselves, so it takes another one to see it.
    sender: Stream,
    watcher: Stream,
}

impl Publisher {
    /// Connects, and waits until what it sends comes through.
    pub async fn connect(server: &Server) -> Self {
        Self::connect_as(server, "").await
    }

    /// The same with something more in the query of both connections, such as `token=…`.
    pub async fn connect_as(server: &Server, query: &str) -> Self {
        // Without cached values: what comes is what was published since.
        let watcher = Stream::connect(server, &format!("subscribe=all&sendCachedValues=false&{query}")).await;
        let sender = Stream::connect(server, &format!("subscribe=none&{query}")).await;
        let mut publisher = Self { sender, watcher };
        let mark = publisher.sender.own_name();
        let deadline = Instant::now() + PATIENCE;
        loop {
            // A mark that is faster than the subscription isn't seen, so there may have to be several.
            publisher.sender.send(&delta("publisher", "test.publisher.ready", mark.as_str())).await;
            if let Some(Frame::Json(frame)) = publisher.watcher.next_frame(BETWEEN_LOOKS).await
                && values_of(&frame).iter().any(|value| value.value == mark.as_str())
            {
                return publisher;
            }
            assert!(Instant::now() < deadline, "what a client publishes does not come through");
        }
    }

    /// Sends a delta and waits until it has been passed on to everybody.
    pub async fn publish(&mut self, delta: &Json) -> Vec<Value> {
        let sent = values_of(delta);
        let last = sent.last().expect("a delta to be awaited has a value");
        self.sender.send(delta).await;
        let mut seen = self
            .watcher
            .read_until(&format!("{delta}"), |value| value.path == last.path && value.value == last.value)
            .await;
        seen.drain(..seen.len().saturating_sub(sent.len()));
        seen
    }

    /// Publishes one value of the own ship.
    pub async fn value(&mut self, source: &str, path: &str, value: impl Into<Json>) -> Value {
        let mut seen = self.publish(&delta(source, path, value)).await;
        seen.pop().expect("what was published has the value")
    }

    /// Sends a message without waiting for anything.
    pub async fn send(&mut self, message: &Json) {
        self.sender.send(message).await;
    }

    /// What everybody sees.
    pub fn stream(&mut self) -> &mut Stream {
        &mut self.watcher
    }

    /// What is said to the sender.
    pub fn sender(&mut self) -> &mut Stream {
        &mut self.sender
    }

    /// `vessels.<own id>`.
    pub fn own_context(&self) -> &str {
        self.sender.own_context()
    }
}
