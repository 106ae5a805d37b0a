//! Keeps the server announced on the local network while it runs (signalk-v1 §12).

use std::time::Duration;

use actix::ArbiterHandle;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use windlass_actors::data_model::ModelView;
use windlass_actors::discovery::{Announcer, Facts, Reach};
use windlass_actors::{StatusBoard, StatusKind, StatusSubject};

use crate::http::PROTOCOL_VERSION;
use crate::outputs::OutputReports;

/// How often it is looked whether something else is to be announced: an output that listens now, another name of the boat.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
/// The entry on the status board.
const NAME: &str = "mdns";

/// The announcement. It ends when it is stopped or dropped.
#[derive(Debug)]
pub struct Announcement {
    stop: watch::Sender<bool>,
    /// Its sender is dropped when everything is taken back.
    closed: watch::Receiver<()>,
}

/// What the server knows about itself.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The port of HTTP and the stream.
    pub port: u16,
    /// Whether that port speaks TLS.
    pub secure: bool,
    /// The outputs.
    pub outputs: OutputReports,
    /// The own ship.
    pub view: ModelView,
    /// Where problems are told.
    pub status: StatusBoard,
}

impl Announcement {
    /// Announces from now on.
    pub fn start(subject: Subject, arbiter: &ArbiterHandle) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (closing, closed) = watch::channel(());
        arbiter.spawn_fn(move || {
            actix::spawn(async move {
                announce(&subject, stopped).await;
                drop(closing);
            });
        });
        Self { stop, closed }
    }

    /// Takes the announcement back, and waits until others have been told.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let mut closed = self.closed.clone();
        while closed.changed().await.is_ok() {}
    }
}

impl Subject {
    fn facts(&self) -> Facts {
        let host_name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = self.view.own().root().attributes.get("name").and_then(|name| name.as_str().map(str::to_owned));
        Facts {
            host_name: host_name.trim().to_owned(),
            port: self.port,
            secure: self.secure,
            signalk_tcp: self.outputs.signalk_port(),
            nmea: self.outputs.nmea_port(),
            version: PROTOCOL_VERSION.to_owned(),
            own: self.view.identity().id().to_owned(),
            vessel_name: name,
        }
    }

    fn fail(&self, problem: &str) {
        log::warn!("the server is not announced on the network: {problem}");
        self.status.set(NAME, StatusSubject::Provider, StatusKind::Error, problem);
    }
}

async fn announce(subject: &Subject, mut stopped: watch::Receiver<bool>) {
    let mut announcer = Announcer::new(Reach::Network);
    let mut looks = interval(BETWEEN_LOOKS);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {
                let facts = subject.facts();
                match announcer.announce(&facts).await {
                    Ok(()) => subject.status.set(NAME, StatusSubject::Provider, StatusKind::Status, "Announced on the network"),
                    Err(error) => {
                        subject.fail(&error.to_string());
                        break;
                    }
                }
            }
            // An error is as good: the server has gone.
            _ = stopped.wait_for(|stopped| *stopped) => break,
        }
    }
    announcer.stop().await;
}
