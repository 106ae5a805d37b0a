//! What the outputs promise: every sentence to everybody, nothing for those who may not read, and no harm by those who do not read.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use actix::{Actor, Arbiter};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use windlass_broker::{Origin, RawJson};

use super::sentences::QUEUE_BYTES;
use super::*;
use crate::stream::{EventBus, ServerEvent};
use crate::{StatusBoard, StatusKind};

struct Output {
    server: LineServer,
    bus: SentenceBus,
    board: StatusBoard,
    closed: Arc<AtomicBool>,
}

impl Output {
    fn start(max_clients: usize) -> Self {
        let (bus, board, counters) = (SentenceBus::default(), StatusBoard::default(), OutputCounters::default());
        let closed = Arc::new(AtomicBool::new(false));
        let gate = closed.clone();
        let options = LineServerOptions {
            name: "nmea-tcp",
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            max_clients,
            hint: "choose another",
            gate: Arc::new(move || gate.load(Relaxed).then_some("nobody may read")),
        };
        let (shared, counted) = (bus.clone(), counters.clone());
        let prepare = move || move |stream, peer| serve_sentences(stream, peer, shared.clone(), counted.clone());
        let server = LineServer::start(options, board.clone(), counters, &Arbiter::current(), prepare);
        Self { server, bus, board, closed }
    }

    async fn statistics(&self, like: impl Fn(&OutputStatistics) -> bool) -> OutputStatistics {
        soon(async {
            loop {
                let statistics = self.server.counters().read();
                if like(&statistics) {
                    return statistics;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    async fn address(&self) -> SocketAddr {
        self.statistics(|it| it.local_address.is_some()).await.local_address.expect("an address")
    }

    async fn client(&self) -> BufReader<TcpStream> {
        let before = self.server.counters().read().connects;
        let stream = TcpStream::connect(self.address().await).await.expect("connected");
        self.statistics(|it| it.connects > before).await;
        // Its place on the bus is taken in the same turn.
        tokio::task::yield_now().await;
        BufReader::new(stream)
    }
}

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(120), future).await.expect("it happens")
}

async fn line(client: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    soon(client.read_line(&mut line)).await.expect("a line");
    line
}

/// SK-220.
#[actix::test]
async fn every_client_gets_every_sentence_with_its_line_end() {
    let output = Output::start(8);
    let mut clients = [output.client().await, output.client().await];
    for sentence in ["$GPRMC,1*00", "!AIVDM,1,1,,A,x,0*00\r\n", "", "$GPGGA\n"] {
        output.bus.repeat(sentence.as_bytes(), Origin::NONE);
    }
    for client in &mut clients {
        assert_eq!(line(client).await, "$GPRMC,1*00\r\n");
        assert_eq!(line(client).await, "!AIVDM,1,1,,A,x,0*00\r\n");
        assert_eq!(line(client).await, "$GPGGA\r\n");
    }
    let read = output.statistics(|it| it.sent == 6).await;
    assert_eq!((read.clients, read.connects, read.dropped, output.bus.repeated()), (2, 2, 0, 4));
    let entry = output.board.get("nmea-tcp").expect("an entry");
    let port = output.address().await.port();
    assert_eq!((entry.kind, entry.message), (StatusKind::Status, format!("Listening on TCP port {port}")));
    output.server.stop().await;
    let mut rest = Vec::new();
    assert_eq!(soon(clients[0].read_to_end(&mut rest)).await.expect("the end"), 0);
    assert_eq!(output.server.counters().read().local_address, None);
}

#[actix::test]
async fn what_a_client_sends_reaches_the_inputs_and_not_itself() {
    let output = Output::start(8);
    let mut clients = [output.client().await, output.client().await];
    clients[0].write_all(b"$ECAPB,early*00\r\n").await.expect("sent");
    assert_eq!(output.statistics(|it| it.ignored == 1).await.received, 1, "nobody wanted it");
    let mut input = output.bus.take_input();
    clients[0].write_all(b"$ECAPB,1*00\r\n\r\n").await.expect("sent");
    let sent = soon(input.recv()).await.expect("a line");
    assert_eq!(&*sent.line, b"$ECAPB,1*00");
    output.bus.repeat(&sent.line, sent.origin);
    output.bus.repeat(b"$NEXT", Origin::NONE);
    assert_eq!(line(&mut clients[0]).await, "$NEXT\r\n", "it does not hear itself");
    assert_eq!(line(&mut clients[1]).await, "$ECAPB,1*00\r\n");
    output.server.stop().await;
}

#[actix::test]
async fn nobody_is_served_who_may_not_read() {
    let output = Output::start(8);
    let mut client = output.client().await;
    let address = output.address().await;
    output.closed.store(true, Relaxed);
    let mut rest = Vec::new();
    assert_eq!(soon(client.read_to_end(&mut rest)).await.expect("the end"), 0, "disconnected");
    output.statistics(|it| it.local_address.is_none()).await;
    assert!(TcpStream::connect(address).await.is_err(), "the port is closed");
    let told = || output.board.get("nmea-tcp").expect("an entry").message;
    soon(async {
        while told() != "Not listening: nobody may read" {
            tokio::task::yield_now().await;
        }
    })
    .await;
    output.closed.store(false, Relaxed);
    let mut client = output.client().await;
    output.bus.repeat(b"$AGAIN", Origin::NONE);
    assert_eq!(line(&mut client).await, "$AGAIN\r\n");
    output.server.stop().await;
}

/// SK-223 for this output.
#[actix::test]
async fn a_client_that_does_not_read_loses_sentences_and_then_its_connection() {
    let output = Output::start(8);
    let (stuck, mut reading) = (output.client().await, output.client().await);
    let sentence = [b'x'; 1000];
    // More than all buffers of the system and the queue hold.
    for _ in 0..(64 * 1024 * 1024 / 1000) {
        output.bus.repeat(&sentence, Origin::NONE);
        if output.server.counters().read().dropped > 2_000 {
            break;
        }
        // The other one keeps up and loses nothing.
        assert_eq!(line(&mut reading).await.len(), 1002);
    }
    let read = output.statistics(|it| it.dropped > 0).await;
    assert_eq!((read.clients, read.disconnected), (2, 0));
    tokio::time::pause();
    // Sentences keep coming while it does not read.
    let read = soon(async {
        loop {
            output.bus.repeat(&sentence, Origin::NONE);
            tokio::time::advance(Duration::from_millis(500)).await;
            tokio::task::yield_now().await;
            let read = output.server.counters().read();
            if read.disconnected == 1 {
                return read;
            }
        }
    })
    .await;
    tokio::time::resume();
    assert!(read.dropped as usize * 1002 > QUEUE_BYTES / 1000, "{read:?}");
    output.statistics(|it| it.clients == 1).await;
    drop(stuck);
    output.server.stop().await;
}

#[actix::test]
async fn one_too_many_is_sent_away() {
    let output = Output::start(1);
    let first = output.client().await;
    let mut second = TcpStream::connect(output.address().await).await.expect("connected");
    let mut rest = Vec::new();
    // A reset is as good as an end.
    let _ = soon(second.read_to_end(&mut rest)).await;
    assert_eq!(rest, b"");
    assert_eq!(output.statistics(|it| it.refused == 1).await.clients, 1);
    drop(first);
    output.statistics(|it| it.clients == 0).await;
    output.client().await;
    output.server.stop().await;
}

/// SK-220: what plugins make goes out, too.
#[actix::test]
async fn plugins_can_send_sentences() {
    let output = Output::start(8);
    let mut client = output.client().await;
    let events = EventBus::default();
    let started = PluginSentences::new(events.clone(), output.bus.clone()).start();
    let emit = |kind: &str, data: &str| events.pass_on(kind, "autopilot", &RawJson::parse(data).expect("JSON"));
    // It listens when it has started.
    soon(started.send(ServerEvent("".into()))).await.expect("it lives");
    emit("PLUGIN_other", r#""$NO""#);
    emit("PLUGIN_nmea0183out", r#"{"not": "a sentence"}"#);
    emit("PLUGIN_nmea0183out", r#"["$APB,1\r\n$HIDDEN", "none", "!AIVDM,x"]"#);
    emit("PLUGIN_nmea0183out", r#""$IIHDG,2\r\n""#);
    assert_eq!(line(&mut client).await, "!AIVDM,x\r\n");
    assert_eq!(line(&mut client).await, "$IIHDG,2\r\n");
    output.server.stop().await;
}
